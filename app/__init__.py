"""The desktop program: what a reader does with a scan, where it is kept, and how it looks."""

__version__ = "0.1.0"
