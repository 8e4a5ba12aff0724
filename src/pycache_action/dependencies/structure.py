"""Parsed TOML and JSON taken apart with care: what is not of the expected kind is a MalformedError, never a surprise."""

from __future__ import annotations

from pycache_action.dependencies.laid_out import Lines
from pycache_action.dependencies.malformed import MalformedError
from pycache_action.dependencies.toml_text import kind_of


def table(value: object, name: str, line: int = 0) -> dict[str, object]:
    """Return a table; an absent one is empty."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    raise MalformedError(f"a table for {name}", kind_of(value), line)


def array(value: object, name: str, line: int = 0) -> list[object]:
    """Return an array; an absent one is empty."""
    if value is None:
        return []
    if isinstance(value, list):
        return value
    if isinstance(value, Lines):
        return value.read()
    raise MalformedError(f"an array for {name}", kind_of(value), line)


def string(value: object, name: str, line: int = 0) -> str:
    """Return a string; an absent one is empty."""
    if value is None:
        return ""
    if isinstance(value, str):
        if len(value) > 16 * 1024 or not value.isprintable():
            raise MalformedError(f"a string of one line for {name}", value, line)
        return value
    raise MalformedError(f"a string for {name}", kind_of(value), line)


def strings(value: object, name: str, line: int = 0) -> list[str]:
    return [string(one, f"each of {name}", line) for one in array(value, name, line)]


def at(value: object, *names: str) -> dict[str, object]:
    """Return a table inside tables; empty where one of them is absent."""
    for place, name in enumerate(names):
        value = table(value, ".".join(names[:place]) or "the file").get(name)
    return table(value, ".".join(names))
