"""Strict reading of JSON documents that others may have written: every value is checked, nothing is left over.

The manifest travels through caches that other people can write to, so a document that is not exactly what this
version writes is refused as a whole with a ValueError.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Element = TypeVar("Element")

MAX_TEXT = 64 * 1024
MAX_ITEMS = 200_000
_DIGEST = re.compile("[0-9a-f]{64}")


def fields(value: object, *, required: frozenset[str], optional: frozenset[str] = frozenset()) -> dict[str, object]:
    """Return the JSON object `value`, which must have all `required` names and no name besides the `optional` ones."""
    if isinstance(value, dict) and required <= value.keys() <= required | optional:
        return value
    raise ValueError(f"expected an object with {', '.join(sorted(required))}")


def text(value: object) -> str:
    if isinstance(value, str) and len(value) <= MAX_TEXT and value.isprintable():
        return value
    raise ValueError("expected a text without control characters and of reasonable length")


def flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError("expected true or false")


def line_number(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31:
        return value
    raise ValueError("expected a line number")


def items(value: object, read: Callable[[object], Element]) -> tuple[Element, ...]:
    """Return the JSON array `value` with every element read by `read`."""
    if isinstance(value, list) and len(value) <= MAX_ITEMS:
        return tuple(read(element) for element in value)
    raise ValueError(f"expected an array of at most {MAX_ITEMS} elements")


def texts(value: object) -> tuple[str, ...]:
    return items(value, text)


def path(value: object) -> str:
    """Return a POSIX path that stays below where it starts."""
    found = text(value)
    if not found or found.startswith("/") or ".." in found.split("/"):
        raise ValueError("expected a relative path without '..'")
    return found


def digest(value: object) -> str:
    """Return a SHA-256 in hexadecimal, or the empty text for a file that was not read."""
    found = text(value)
    if found and not _DIGEST.fullmatch(found):
        raise ValueError("expected a SHA-256 in hexadecimal")
    return found
