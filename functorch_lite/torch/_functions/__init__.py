"""Functions and methods that are not one declared op: factories, indexing, conversions."""
