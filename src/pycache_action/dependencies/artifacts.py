"""The files of a locked package: which of their hashes matter in an image, which is always one of Linux."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pycache_action.dependencies.laid_out import Lines
from pycache_action.dependencies.malformed import MalformedError
from pycache_action.dependencies.toml_text import kind_of, place_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pycache_action.dependencies.toml_text import Toml

# https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/
_FOREIGN = ("win", "macosx", "ios", "android", "pyodide", "emscripten", "wasi")
_HASH = re.compile(r'\bhash = "([^"\\]*)"|\b(sha256|sha384|sha512|sha1|md5|blake2b) = "([^"\\]*)"')


def read_hashes(toml: Toml, *values: object) -> tuple[str, ...]:
    """Return the hashes of the given arrays of files, and single files, that Linux could use, sorted.

    Wheels for other systems are left out: a hash that is added for one of them changes nothing here.
    """
    hashes: set[str] = set()
    for value in values:
        if isinstance(value, Lines):
            hashes.update(_hashes_of_lines(value.lines))
        elif isinstance(value, dict):
            hashes.update(_hashes_of_table(value))
        elif value is not None:
            for entry in toml.entries(value):
                hashes.update(_hashes_of_table(entry))
    return tuple(sorted(hashes))


def is_foreign(place: str) -> bool:
    """Whether a file name or URL is that of a wheel which no Linux installs."""
    name = place.partition("#")[0].partition("?")[0]
    if not name.endswith(".whl"):
        return False
    platforms = name[:-4].rpartition("-")[2].split(".")
    return all(platform.startswith(_FOREIGN) for platform in platforms)


def _hashes_of_lines(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if not is_foreign(place_of(line)):
            for whole, algorithm, digest in _HASH.findall(line):
                yield (whole or f"{algorithm}:{digest}").lower()


def _hashes_of_table(table: object) -> Iterator[str]:
    if not isinstance(table, dict):
        raise MalformedError("a table for each file", kind_of(table))
    if is_foreign(place_of(table)):
        return
    if isinstance(whole := table.get("hash"), str):
        yield whole.lower()
    if isinstance(each := table.get("hashes"), dict):
        yield from (f"{algorithm}:{digest}".lower() for algorithm, digest in each.items())
