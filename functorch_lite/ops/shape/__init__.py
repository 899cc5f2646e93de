"""Operators that arrange elements: views, joining, padding."""
