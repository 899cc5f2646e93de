"""Generators, samplers, and what draws from them."""
