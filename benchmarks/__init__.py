"""Benchmarks: figures for docs/results.md and docs/performance.md, each as `python -m benchmarks.NAME`."""
