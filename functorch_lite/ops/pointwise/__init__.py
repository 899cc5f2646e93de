"""Operators that act element by element, and softmax."""
