"""What users see of the graph: PyTorch's nodes and what they saved."""
