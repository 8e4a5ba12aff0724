"""TOML from a file that is not trusted, and fast where a tool wrote it.

A lock file is mostly long arrays of one-line tables, of which few parts are wanted. Such arrays are cut out before the
rest is parsed and given back line by line. What does not have exactly the layout of the tools stays, so every other
way of writing it is read by `tomllib` as usual.
"""

from __future__ import annotations

import re
import secrets
import tomllib
from dataclasses import dataclass
from functools import lru_cache

from pycache_action.dependencies.malformed import MalformedError

# tomllib needs some microseconds for each of these characters, and far more for a key of thousands of parts.
_MAX_WEIGHT = 600_000
_MAX_LINES = 500_000
_LONG_KEY = re.compile(
    r"(?<![\w\"'-])(?:[\w-]+|\"[^\"\n]*\"|'[^'\n]*')(?:[ \t]*\.[ \t]*(?:[\w-]+|\"[^\"\n]*\"|'[^'\n]*')){32}"
)
_BLOCK = re.compile(r"^(?P<key>files|wheels|dependencies) = \[\n(?P<lines>(?:    \{[^\n]*\},?\n)+)\]$", re.MULTILINE)
_FLAT = re.compile(r"\s*\{\s*(?:[\w-]+ = (?:\"[^\"\\]*\"|\d+)(?:,\s*(?=[\w-])|(?=\s*\})))+\s*\},?")
_PAIR = re.compile(r"([\w-]+) = \"([^\"\\]*)\"")
_LINE = re.compile(r"\(at line (\d+)")


@dataclass(frozen=True, slots=True)
class Toml:
    """A parsed document. `text` is what was parsed; `entries` gives an array back, whether it was cut out or not."""

    data: dict[str, object]
    text: str
    blocks: dict[str, tuple[str, ...]]

    def entries(self, value: object) -> list[object]:
        """Return the elements of an array of tables; of one-line tables only their texts and tables."""
        if isinstance(value, str) and value in self.blocks:
            return [_entry(line) for line in self.blocks[value]]
        if isinstance(value, list):
            return value
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
    text, blocks = _cut_blocks(text)
    _check_effort(text)
    try:
        return Toml(tomllib.loads(text), text, blocks)
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        found = _LINE.search(said)
        line = int(found[1]) if found else text.count("\n") + 1
        words = said.partition(" (at ")[0]
        expected = words.removeprefix("Expected ") if words.startswith("Expected ") else f"valid TOML ({words.lower()})"
        raise MalformedError(expected, _line(text, line), line) from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits; thousands of brackets
        raise MalformedError("TOML that is not nested thousands deep") from error


def _cut_blocks(text: str) -> tuple[str, dict[str, tuple[str, ...]]]:
    blocks: dict[str, tuple[str, ...]] = {}
    mark = secrets.token_hex(8)  # no file can hold what stands for a block

    def cut(found: re.Match[str]) -> str:
        name = f"{mark}-{len(blocks)}"
        lines = found["lines"]
        blocks[name] = tuple(lines.splitlines())
        return f'{found["key"]} = "{name}"' + "\n" * (len(blocks[name]) + 1)

    return _BLOCK.sub(cut, text), blocks


def _check_effort(text: str) -> None:
    weight = sum(text.count(character) for character in "=,[{.")
    if weight > _MAX_WEIGHT:
        raise MalformedError("a file of reasonable size")
    if found := _LONG_KEY.search(text):
        raise MalformedError("keys of at most 32 parts", found[0], text.count("\n", 0, found.start()) + 1)


@lru_cache(maxsize=16384)
def _entry(line: str) -> dict[str, object]:
    if _FLAT.fullmatch(line):
        return dict(_PAIR.findall(line))
    try:
        entry = tomllib.loads(f"entry = {line.strip().removesuffix(',')}")["entry"]
    except (ValueError, RecursionError) as error:
        raise MalformedError("a table on one line", line) from error
    return entry if isinstance(entry, dict) else {}


def _line(text: str, number: int) -> str:
    lines = text.split("\n", number)
    return lines[number - 1].strip() if number <= len(lines) else ""


def kind_of(value: object) -> str:
    """Return what a value is, in TOML's words."""
    names = {dict: "a table", list: "an array", str: "a string", bool: "a boolean", int: "an integer", float: "a float"}
    return names.get(type(value), "nothing" if value is None else "a date")
