"""Tensors inside transforms: what the tape, values and custom functions are there."""
