"""Face models in ONNX files: read, described, run; scoring only. Needs the extra `bareface[onnx]`."""
