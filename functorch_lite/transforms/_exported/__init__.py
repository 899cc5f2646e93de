"""Programs in files: what goes in and out of one, the file itself, and ``fl.export``."""
