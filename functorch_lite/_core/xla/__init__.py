"""XLA on a CPU: the allocator, the layout of images, compiler options.  Floor 0."""
