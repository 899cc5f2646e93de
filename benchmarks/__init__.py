"""Benchmarks: our time as a ratio to PyTorch's, measured in turns in one run."""
