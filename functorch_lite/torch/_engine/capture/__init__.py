"""Capture: a Python function, its backward and its optimizer steps as one XLA program.

``tracing`` runs the function once, on the ``recorder``; ``reach`` knows what Python state it can
see; ``guards`` ask at each call whether that still holds; ``joint`` cuts a program with gradients
in two; ``program`` is what is called afterwards; ``function`` chooses among programs.
"""
