"""Poetry's version constraints as specifiers: https://python-poetry.org/docs/dependency-specification/"""

from __future__ import annotations

import re
from functools import lru_cache

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from pycache_action.dependencies.malformed import MalformedError
from pycache_action.dependencies.requirement import canonical_specifier

_CLAUSE = re.compile(r"\s*(\^|~=|~|===|==|=|!=|<>|>=|<=|>|<)?\s*([^\s,]+)\s*,?")
_MAX_CLAUSES = 64


@lru_cache(maxsize=8192)
def parse_constraint(text: str) -> tuple[str, ...]:
    """Return the specifiers of which any one must hold; of `^1.2 || 3.*`, `<2.0,>=1.2` and `==3.*`.

    Raises MalformedError.
    """
    alternatives = re.split(r"\s*\|\|?\s*", text.strip("() \t"))
    if len(alternatives) > _MAX_CLAUSES:
        raise MalformedError("a version constraint of reasonable length", text)
    return tuple(dict.fromkeys(_specifier(alternative, text) for alternative in alternatives))


def _specifier(alternative: str, text: str) -> str:
    place = 0
    clauses: list[str] = []
    while place < len(alternative):
        found = _CLAUSE.match(alternative, place)
        if not found or len(clauses) > _MAX_CLAUSES:
            raise MalformedError("a version constraint such as ^1.2", text)
        clauses += _clauses(found[1] or "", found[2], text)
        place = found.end()
    try:
        return canonical_specifier(SpecifierSet(",".join(clauses)))
    except ValueError as error:
        raise MalformedError("a version constraint such as ^1.2", text) from error


def _clauses(operator: str, version: str, text: str) -> list[str]:
    if version == "*":
        return []
    if operator in ("^", "~"):
        lowest = _version(version.removesuffix(".*"), text)
        upper = _next_breaking(lowest) if operator == "^" else _next_tilde(lowest)
        return [f">={lowest}", f"<{upper}"]
    if version.endswith(".*") and operator in ("", "=", "=="):
        return [f"=={version}"]
    return [f"{({'': '==', '=': '==', '<>': '!='}).get(operator, operator)}{version}"]


def _next_breaking(version: Version) -> str:
    """Return the first version that `^` leaves out: the leftmost part that is not zero, raised."""
    parts = list(version.release)
    place = next((at for at, part in enumerate(parts) if part), len(parts) - 1)
    return ".".join(map(str, [*parts[:place], parts[place] + 1, *([0] * (len(parts) - place - 1))]))


def _next_tilde(version: Version) -> str:
    parts = version.release[:2]
    return ".".join(map(str, [*parts[:-1], parts[-1] + 1]))


def _version(text: str, constraint: str) -> Version:
    try:
        return Version(text)
    except (InvalidVersion, ValueError) as error:
        raise MalformedError("a version constraint such as ^1.2", constraint) from error
