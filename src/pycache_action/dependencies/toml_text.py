"""TOML from a file that is not trusted, with the lines on which things stand."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pycache_action.dependencies.laid_out import Lines, parse_laid_out
from pycache_action.dependencies.malformed import MalformedError

if TYPE_CHECKING:
    from collections.abc import Callable

_MAX_LINES = 500_000
# tomllib needs some microseconds for each of these characters, and far more for a key of thousands of parts.
_MAX_WEIGHT = 600_000
_MAX_SIZE = 8 * 1024 * 1024  # of what no tool laid out
_PART = r"(?:[\w-]+|\"[^\"\n]*\"|'[^'\n]*')"
_LONG_KEY = re.compile(rf"(?<![\w\"'-]){_PART}(?:[ \t]*\.[ \t]*{_PART}){{32}}")
_PLACE = re.compile(r"\b(?:url|path|file|filename|name) = \"([^\"\\]*)\"")
_LINE = re.compile(r"\(at line (\d+)")


@dataclass(frozen=True, slots=True)
class Toml:
    """A parsed document and its text; long arrays of a lock file are `Lines` until `entries` reads them."""

    data: dict[str, object]
    text: str

    def entries(self, value: object, unwanted: Callable[[str], bool] | None = None) -> list[object]:
        """Return the elements of an array of tables, without those whose place (URL, path or name) is unwanted."""
        if isinstance(value, Lines):
            lines = value.lines if not unwanted else [line for line in value.lines if not unwanted(place_of(line))]
            return Lines(tuple(lines)).read()
        if isinstance(value, list):
            return [one for one in value if not (unwanted and unwanted(place_of(one)))]
        raise MalformedError("an array of tables", kind_of(value))

    def line_of(self, needle: str) -> int:
        """Return the first line that holds `needle`, 0 if none does."""
        place = self.text.find(needle)
        return self.text.count("\n", 0, place) + 1 if place >= 0 else 0

    def line_of_key(self, name: str) -> int:
        """Return the first line that begins with `name =`, 0 if none does."""
        found = re.search(rf"^[ \t]*[\"']?{re.escape(name)}[\"']?[ \t]*=", self.text, re.MULTILINE)
        return self.text.count("\n", 0, found.start()) + 1 if found else 0

    def lines_of(self, header: str) -> list[int]:
        """Return the numbers of all lines that are just `header`."""
        lines = []
        number = place = 0
        for found in re.finditer(rf"^{re.escape(header)}[ \t]*$", self.text, re.MULTILINE):
            number += self.text.count("\n", place, found.start())
            place = found.start()
            lines.append(number + 1)
        return lines


def parse_toml(content: bytes) -> Toml:
    """Parse TOML 1.0. Raises MalformedError with the line."""
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise MalformedError("text in UTF-8", repr(content[error.start : error.start + 12]), line) from error
    if text.count("\n") > _MAX_LINES:
        raise MalformedError(f"at most {_MAX_LINES} lines")
    document = parse_laid_out(text)
    return Toml(_parse_any(text) if document is None else document, text)


def _parse_any(text: str) -> dict[str, object]:
    if len(text) > _MAX_SIZE or sum(text.count(character) for character in "=,[{.\\") > _MAX_WEIGHT:
        raise MalformedError("a file of reasonable size")
    if found := _LONG_KEY.search(text):
        raise MalformedError("keys of at most 32 parts", found[0], text.count("\n", 0, found.start()) + 1)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _LINE.search(str(error))
        line = int(place[1]) if place else text.count("\n") + 1
        words = str(error).partition(" (at ")[0]
        expected = words.removeprefix("Expected ") if words.startswith("Expected ") else f"valid TOML ({words.lower()})"
        raise MalformedError(expected, _line(text, line), line) from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits; thousands of brackets
        raise MalformedError("TOML that is not nested thousands deep") from error


def _line(text: str, number: int) -> str:
    lines = text.split("\n", number)
    return lines[number - 1].strip() if number <= len(lines) else ""


def place_of(file: object) -> str:
    """Return the URL, path or name of a file, given as a table or as the line of one; empty if it has none."""
    if isinstance(file, str):
        found = _PLACE.search(file)
        return found[1] if found else ""
    places = (file.get(name) for name in ("url", "path", "file", "filename", "name")) if isinstance(file, dict) else ()
    return next((place for place in places if isinstance(place, str)), "")


def kind_of(value: object) -> str:
    """Return what a value is, in TOML's words."""
    names = {dict: "a table", list: "an array", str: "a string", bool: "a boolean", int: "an integer", float: "a float"}
    return names.get(type(value), "nothing" if value is None else "a date")
