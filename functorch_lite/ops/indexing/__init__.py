"""Operators that pick, place and order elements."""
