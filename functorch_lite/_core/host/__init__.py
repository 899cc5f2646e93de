"""Traced programs on NumPy: what cold and tiny CPU programs run on instead of waiting for XLA."""
