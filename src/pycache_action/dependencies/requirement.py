"""One requirement from its text: PEP 508, or what pip takes beyond it (URLs, local paths, editables)."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Pep508
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from pycache_action.dependencies.conditions import canonical_marker
from pycache_action.dependencies.locations import URL, canonical_path, canonical_url, name_in_fragment
from pycache_action.dependencies.malformed import MalformedError, expectation
from pycache_action.dependencies.model import Requirement, Source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packaging.specifiers import SpecifierSet

# https://github.com/pypa/pip/blob/25.2/src/pip/_internal/utils/filetypes.py
_ARCHIVES = (".zip", ".whl", ".tar.bz2", ".tbz", ".tar.gz", ".tgz", ".tar", ".tar.xz", ".txz", ".tlz", ".tar.lz")
_NAME_AT = re.compile(r"\s*[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:\[[^\]]*\])?\s*@")
_EXTRAS = re.compile(r"^(?P<rest>.+?)\s*\[(?P<extras>[^\[\]]*)\]$")
_LONGEST = 16 * 1024


def parse_pep508(text: str, source: Source, *, direct: bool = True) -> Requirement:
    """Read `name[extra]>=1 ; marker` or `name @ url ; marker`. Raises MalformedError."""
    text = text.replace("\t", " ")
    _check_text(text)
    try:
        parsed = Pep508(text)
        specifier = canonical_specifier(parsed.specifier)
    except InvalidRequirement as error:
        raise MalformedError(expectation(error, "a requirement such as name==1.2"), text) from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, thousands of parentheses
        raise MalformedError("a requirement such as name==1.2", text) from error
    return Requirement(
        name=canonicalize_name(parsed.name),
        specifier=specifier,
        extras=canonical_names(parsed.extras),
        marker=canonical_marker(str(parsed.marker)) if parsed.marker else "",
        url=_url(parsed.url, text) if parsed.url else "",
        direct=direct,
        source=source,
    )


def parse_pip_argument(
    text: str,
    source: Source,
    *,
    editable: bool = False,
    hashes: Iterable[str] = (),
    options: Iterable[str] = (),
) -> Requirement:
    """Read a requirement as a line of requirements.txt or the command line of pip gives it. Raises MalformedError.

    Relative paths are kept as written: pip takes them from the folder it runs in.
    """
    text = text.replace("\t", " ").strip()
    _check_text(text)
    if URL.match(text) or (_is_path(text) and not _NAME_AT.match(text)):
        found = _parse_location(text, source)
    else:
        found = parse_pep508(text, source)
    return Requirement(
        name=found.name,
        specifier=found.specifier,
        extras=found.extras,
        marker=found.marker,
        url=found.url,
        hashes=tuple(sorted({one.lower() for one in hashes})),
        options=tuple(sorted(set(options))),
        editable=editable,
        source=source,
    )


def canonical_names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({canonicalize_name(name) for name in names}))


def canonical_specifier(specifiers: SpecifierSet) -> str:
    """Return the clauses sorted, each version in its normal form; no clause is dropped."""
    return ",".join(sorted({f"{one.operator}{_normal_version(one.version)}" for one in specifiers}))


def _parse_location(text: str, source: Source) -> Requirement:
    is_url = bool(URL.match(text))
    # A ';' may be a part of a URL; the marker's stands before a space: https://github.com/pypa/pip/blob/25.2/src/pip/_internal/req/constructors.py
    location, _, marker = text.partition("; " if is_url else ";")
    location, extras = _without_extras(location.strip())
    url = _url(location, text) if is_url else canonical_path(location)
    name, more_extras = _name_of(location)
    return Requirement(
        name=name or url,
        extras=canonical_names((*extras, *more_extras)),
        marker=canonical_marker(marker.strip()) if marker.strip() else "",
        url=url,
        source=source,
    )


def _name_of(location: str) -> tuple[str, tuple[str, ...]]:
    """Return name and extras as a URL's fragment or a wheel's file name tells them, else the empty text."""
    if URL.match(location) and (written := name_in_fragment(location)):
        name, extras = _without_extras(written)
        return (canonicalize_name(name), extras) if re.fullmatch(r"[\w.-]+", name, re.ASCII) else ("", ())
    filename = posixpath.basename(location.partition("#")[0].partition("?")[0])
    if not filename.endswith(".whl"):
        return "", ()
    try:
        return parse_wheel_filename(filename)[0], ()
    except ValueError as error:
        raise MalformedError("a wheel's file name such as name-1.2-py3-none-any.whl", filename) from error


def _without_extras(text: str) -> tuple[str, tuple[str, ...]]:
    found = _EXTRAS.match(text)
    if not found:
        return text, ()
    return found["rest"], tuple(extra.strip() for extra in found["extras"].split(",") if extra.strip())


def _is_path(text: str) -> bool:
    place = _without_extras(text.partition(";")[0].strip())[0]
    if place.startswith((".", "/")):
        return True
    return not re.search(r"[\s=<>!~]", place) and ("/" in place or place.lower().endswith(_ARCHIVES))


def _url(text: str, line: str) -> str:
    try:
        return canonical_url(text)
    except ValueError as error:
        raise MalformedError(f"a URL ({error})", line) from error


def _check_text(text: str) -> None:
    if len(text) > _LONGEST:
        raise MalformedError(f"a requirement of at most {_LONGEST} characters", text)
    if not text.isprintable():
        raise MalformedError("a requirement without control characters", text)


def _normal_version(version: str) -> str:
    star = ".*" if version.endswith(".*") else ""
    try:
        return f"{Version(version.removesuffix('.*'))}{star}"
    except InvalidVersion:  # only '===' takes any text
        return version
