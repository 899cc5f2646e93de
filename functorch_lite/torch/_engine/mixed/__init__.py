"""Automatic mixed precision: what autocast makes of an operation, and the scaling of gradients."""
