"""Operators that make many elements one: sums, extremes, scans, statistics."""
