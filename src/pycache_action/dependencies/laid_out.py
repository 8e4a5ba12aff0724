"""TOML as uv, Poetry and PDM lay it out in their lock files, read some ten times as fast as any TOML is.

A lock file of thousands of packages is mostly lists of files, one on a line, of which little is wanted: these stay
lines until somebody asks. Whatever is laid out in another way is left to `tomllib`.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from pycache_action.dependencies.malformed import MalformedError

Container = TypeVar("Container", dict[str, object], list[object])

_HEADER = re.compile(r"(\[\[?)([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){0,4})(\]\]?)")
_STRING = r'"([^"\\]*+(?:\\"[^"\\]*+)*+)"'  # possessive: trying again takes gigabytes for a long text
_PAIR = re.compile(rf'(?:([A-Za-z0-9_-]+)|"([^"\\]+)") = (?:{_STRING}|(\[)|(.+))')
_ELEMENT = re.compile(rf"    {_STRING},")
_LONG = ("files", "wheels")
_LONGEST_VALUE = 64 * 1024
# Inline tables of strings, numbers, times and, one level down, tables of strings.
_BARE = r"[A-Za-z0-9_-]+"
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z"
_INNER = rf'{_BARE} = "[^"\\]*"'
_INNER_TABLE = rf"\{{ ?{_INNER}(?:, ?{_INNER})* ?\}}"
_OUTER = rf'{_BARE} = (?:"[^"\\]*"|{_TIME}|0|[1-9][0-9]{{0,17}}|{_INNER_TABLE})'
_PLAIN_TABLE = re.compile(rf"\{{ ?{_OUTER}(?:, ?{_OUTER})* ?\}}")
_PLAIN_PAIR = re.compile(rf'({_BARE}) = (?:"([^"\\]*)"|({_TIME})|([0-9]+)|(\{{[^}}]*\}}))')


@dataclass(frozen=True, slots=True)
class Lines:
    """An array of inline tables, one on each line, not yet read."""

    lines: tuple[str, ...]

    def read(self) -> list[object]:
        """Return the tables. Raises MalformedError."""
        return [_table_of_line(line) for line in self.lines]


class _OtherLayoutError(Exception):
    """The text is not laid out in the way of the tools, or is no TOML."""


def parse_laid_out(text: str) -> dict[str, object] | None:
    """Return the document, with `Lines` for long arrays; None for any text that is laid out otherwise."""
    try:
        return _Reader().read(text.split("\n"))
    except (_OtherLayoutError, MalformedError):
        return None


class _Reader:
    def __init__(self) -> None:
        self._document: dict[str, object] = {}
        self._table = self._document
        self._headed = {id(self._document)}  # the tables and arrays that further headers may add to

    def read(self, lines: list[str]) -> dict[str, object]:
        place = 0
        while place < len(lines):
            line = lines[place]
            place += 1
            if not line or line[0] == "#":
                continue
            if line[0] == "[":
                self._open(line)
                continue
            pair = _PAIR.fullmatch(line)
            if not pair:
                raise _OtherLayoutError
            bare, quoted, string, array, other = pair.groups()
            name = bare or quoted
            if name in self._table:
                raise _OtherLayoutError
            if string is not None:
                self._table[name] = _printable(string.replace('\\"', '"'))
            elif array:
                end = _end_of_array(lines, place)
                self._table[name] = _read_array(lines[place:end], lazily=name in _LONG)
                place = end + 1
            else:
                self._table[name] = _value(other)
        return self._document

    def _open(self, line: str) -> None:
        """Go to the table of a header, `[metadata]`, `[package.source]` or `[[package]]`."""
        header = _HEADER.fullmatch(line)
        if not header or len(header[1]) != len(header[3]):
            raise _OtherLayoutError
        *way, name = header[2].split(".")
        parent = self._document
        for part in way:
            if part not in parent:
                parent[part] = self._new({})
            parent = self._last_table(parent[part])
        self._table = self._new({})
        if header[1] == "[[":
            if name not in parent:
                parent[name] = self._new([])
            tables = parent[name]
            if not isinstance(tables, list) or id(tables) not in self._headed:
                raise _OtherLayoutError
            tables.append(self._table)
        elif parent.setdefault(name, self._table) is not self._table:
            raise _OtherLayoutError  # said twice, or first said implicitly: rare, and tomllib knows

    def _new(self, value: Container) -> Container:
        self._headed.add(id(value))
        return value

    def _last_table(self, value: object) -> dict[str, object]:
        if id(value) in self._headed:
            last = value[-1] if isinstance(value, list) else value
            if isinstance(last, dict):
                return last
        raise _OtherLayoutError


def _end_of_array(lines: list[str], place: int) -> int:
    try:
        return lines.index("]", place)
    except ValueError:
        raise _OtherLayoutError from None


def _read_array(lines: list[str], *, lazily: bool) -> Lines | list[object]:
    if all(line.startswith("    {") and line.endswith(("},", "}")) for line in lines):
        tables = Lines(tuple(lines))
        return tables if lazily else tables.read()
    strings: list[object] = []
    for line in lines:
        element = _ELEMENT.fullmatch(line)
        if not element:
            raise _OtherLayoutError
        strings.append(_printable(element[1].replace('\\"', '"')))
    return strings


def _printable(text: str) -> str:
    if not text.isprintable():  # TOML allows no control character but the tab
        raise _OtherLayoutError
    return text


def _value(text: str) -> object:
    if text[0] == "{" and _PLAIN_TABLE.fullmatch(text):
        return _plain_table(text)
    if text[:2] == "[{" and text[-2:] == "}]" and _PLAIN_TABLE.fullmatch(text, 1, len(text) - 1):
        return [_plain_table(text[1:-1])]
    return _any_value(text)


def _plain_table(text: str) -> dict[str, object]:
    table: dict[str, object] = {}
    for name, string, time, number, inner in _PLAIN_PAIR.findall(text):
        if name in table:
            raise _OtherLayoutError
        if inner:
            table[name] = _plain_table(inner)
        elif time:
            table[name] = _time(time)
        else:
            table[name] = int(number) if number else _printable(string)
    return table


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise _OtherLayoutError from None


@lru_cache(maxsize=4096)
def _any_value(text: str) -> object:
    if len(text) > _LONGEST_VALUE:
        raise _OtherLayoutError
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        raise _OtherLayoutError from None


@lru_cache(maxsize=16384)
def _table_of_line(line: str) -> object:
    try:
        return _value(line.strip().removesuffix(","))
    except _OtherLayoutError:
        raise MalformedError("a table on one line", line) from None
