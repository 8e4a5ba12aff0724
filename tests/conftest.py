"""Fixtures of all tests: the stand-ins."""

pytest_plugins = ["tests.support.fixtures"]
