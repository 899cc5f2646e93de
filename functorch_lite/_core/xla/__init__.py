"""How XLA's CPU programs use memory: the allocator, and the layout of images.  Floor 0."""
