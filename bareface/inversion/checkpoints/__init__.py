"""Generators out of other people's files: read without executing anything, kept as safetensors and JSON."""
