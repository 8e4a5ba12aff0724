"""Builds Docker images of Python projects so that nothing is installed twice, and says why when something was."""

__version__ = "0.1.0"
