"""Imported before anything of ONNX: tests in the importing file are skipped where the extra is missing."""

import pytest

WHY = "the extra bareface[onnx] is not installed"
onnx = pytest.importorskip("onnx", reason=WHY)
onnxruntime = pytest.importorskip("onnxruntime", reason=WHY)
