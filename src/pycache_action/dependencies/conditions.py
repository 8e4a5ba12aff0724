"""Environment markers that can be joined: the condition under which a locked package is installed.

A lock file writes a marker on each step from one package to the next, so a package's own condition is that of all ways
that lead to it. Conditions are kept as a sum of products: any of several terms, each a set of atoms
(`sys_platform == "linux"`) that must all hold.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from packaging.markers import Marker
from packaging.ranges import VersionRange
from packaging.specifiers import SpecifierSet

from pycache_action.dependencies.malformed import MalformedError, expectation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Condition: TypeAlias = frozenset[frozenset[str]]

ALWAYS: Condition = frozenset({frozenset()})
NEVER: Condition = frozenset()
MAX_TERMS = 64

_TOKEN = re.compile(r"""\s*("[^"]*"|'[^']*'|[()]|[^\s()"']+)""")
_ATOM = re.compile(r"""(?P<left>"[^"]*"|'[^']*'|\S+) (?P<operator>not in|\S+) (?P<right>"[^"]*"|'[^']*'|\S+)""")
_VERSIONS = ("python_version", "python_full_version")
_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!=", "===": "==="}
_OPPOSITES = (("<", ">="), (">", "<="), ("==", "!="), ("in", "not in"))
_OPPOSITE = {one: other for pair in _OPPOSITES for one, other in (pair, pair[::-1])}


class TooComplexError(ValueError):
    """A condition has so many terms that it is not worth following."""


@lru_cache(maxsize=8192)
def parse_condition(text: str) -> Condition:
    """Read a marker; the empty text is `ALWAYS`. Raises MalformedError, and TooComplexError for thousands of terms."""
    if not text.strip():
        return ALWAYS
    try:
        marker = str(Marker(text))
    except (ValueError, RecursionError) as error:
        raise MalformedError(expectation(error, "an environment marker"), text) from error
    return _Parser(_TOKEN.findall(marker)).parse()


@lru_cache(maxsize=8192)
def canonical_marker(text: str) -> str:
    """Return a marker in one spelling. Raises MalformedError."""
    try:
        return render_condition(parse_condition(text))
    except TooComplexError:
        return str(Marker(text))


@lru_cache(maxsize=8192)
def render_condition(condition: Condition) -> str:
    """Return the marker for a condition; empty for `ALWAYS`."""
    if not condition:
        return 'python_version < "0"'
    return " or ".join(sorted(" and ".join(sorted(term)) for term in condition))


@lru_cache(maxsize=8192)
def either(one: Condition, other: Condition) -> Condition:
    if ALWAYS in (one, other):
        return ALWAYS
    return _simplified(one | other)


@lru_cache(maxsize=8192)
def both(one: Condition, other: Condition) -> Condition:
    if ALWAYS in (one, other):
        return other if one == ALWAYS else one
    if len(one) * len(other) > MAX_TERMS * 16:
        raise TooComplexError
    return _simplified(frozenset(left | right for left in one for right in other))


def decided(condition: Condition, decide: Callable[[str], bool | None]) -> Condition:
    """Return the condition that is left when some atoms are known to hold or not; `decide` says None for the others."""
    terms = set()
    for term in condition:
        known = {atom: decide(atom) for atom in term}
        if False not in known.values():
            terms.add(frozenset(atom for atom, holds in known.items() if holds is None))
    return _simplified(frozenset(terms))


def split_atom(atom: str) -> tuple[str, str, str]:
    """Return left side, operator and right side, quotation marks kept."""
    found = _ATOM.fullmatch(atom)
    if not found:
        raise MalformedError("a comparison in a marker", atom)
    return found["left"], found["operator"], found["right"]


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens: Iterator[str] = iter([*tokens, ""])
        self._next = next(self._tokens)

    def parse(self) -> Condition:
        found = self._product()
        while self._take("or"):
            found = either(found, self._product())
        return found

    def _product(self) -> Condition:
        found = self._factor()
        while self._take("and"):
            found = both(found, self._factor())
        return found

    def _factor(self) -> Condition:
        if self._take("("):
            found = self.parse()
            self._take(")")
            return found
        atom = []
        while self._next not in ("and", "or", ")", ""):
            atom.append(self._next)
            self._next = next(self._tokens)
        return frozenset({frozenset({_canonical_atom(" ".join(atom))})})

    def _take(self, token: str) -> bool:
        if self._next != token:
            return False
        self._next = next(self._tokens)
        return True


def _canonical_atom(atom: str) -> str:
    """Return `"3.9" > python_version` as `python_version < "3.9"`."""
    left, operator, right = split_atom(atom)
    if left[0] in "\"'" and operator in _MIRRORED:
        return f"{right} {_MIRRORED[operator]} {left}"
    return atom


def _simplified(terms: Iterable[frozenset[str]]) -> Condition:
    """Drop what cannot hold and what is said twice, and join terms that together leave an atom open."""
    left = {_shortened(term) for term in terms if _may_hold(term)}
    if len(left) > MAX_TERMS:
        raise TooComplexError
    changed = True
    while changed:
        for term in sorted(left, key=sorted):  # of two that mean the same, one must stay
            if any(other != term and _implies(term, other) for other in left):
                left.remove(term)
        changed = _join_opposites(left) or _join_versions(left)
    return frozenset(left)


def _shortened(term: frozenset[str]) -> frozenset[str]:
    """Drop atoms that others imply: `python_version < "3.9" and python_version < "3.10"`."""
    if len(term) < 2:
        return term
    for atom in sorted(term):
        if _implies(term - {atom}, frozenset({atom})):
            return _shortened(term - {atom})
    return term


@lru_cache(maxsize=16384)
def _implies(term: frozenset[str], other: frozenset[str]) -> bool:
    """Whether `other` holds wherever `term` does, as far as is easily seen."""
    for atom in other - term:
        left, operator, right = split_atom(atom)
        if left in _VERSIONS:
            asked, known = _versions(frozenset({atom})), _versions(term)
            if asked is None or known is None or not known.is_subset(asked):
                return False
        elif operator != "!=" or not any(_is_equal_to_another(one, left, right) for one in term):
            return False
    return True


def _is_equal_to_another(atom: str, variable: str, value: str) -> bool:
    left, operator, right = split_atom(atom)
    return left == variable and operator == "==" and right != value


def _join_opposites(terms: set[frozenset[str]]) -> bool:
    """Shorten one term of `a and b or not a`, if there is one, to `b or not a`."""
    for term in terms:
        for atom in term:
            rest = term - {atom}
            opposite = _opposite(atom)
            if any(opposite in other and other - {opposite} <= rest for other in terms):
                terms.remove(term)
                terms.add(rest)
                return True
    return False


def _join_versions(terms: set[frozenset[str]]) -> bool:
    """Join terms that differ in the Python version alone and together allow every version."""
    by_rest: dict[frozenset[str], list[frozenset[str]]] = {}
    for term in terms:
        by_rest.setdefault(frozenset(atom for atom in term if not atom.startswith("python_")), []).append(term)
    for rest, alike in by_rest.items():
        ranges = [_versions(term) for term in alike]
        if len(alike) > 1 and None not in ranges:
            together = VersionRange.empty(prereleases=True)
            for one in filter(None, ranges):
                together |= one
            if VersionRange.full(prereleases=True).is_subset(together):
                terms.difference_update(alike)
                terms.add(rest)
                return True
    return False


@lru_cache(maxsize=4096)
def _opposite(atom: str) -> str:
    left, operator, right = split_atom(atom)
    return f"{left} {_OPPOSITE[operator]} {right}" if operator in _OPPOSITE else ""


@lru_cache(maxsize=8192)
def _may_hold(term: frozenset[str]) -> bool:
    """Whether no two atoms of a term exclude each other, as far as is easily seen."""
    if len(term) < 2:
        return True
    equal: dict[str, str] = {}
    for atom in term:
        left, operator, right = split_atom(atom)
        if _opposite(atom) in term:
            return False
        if operator == "==" and left not in _VERSIONS and equal.setdefault(left, right) != right:
            return False
    versions = _versions(term)
    return versions is None or not versions.is_empty


@lru_cache(maxsize=8192)
def _versions(term: frozenset[str]) -> VersionRange | None:
    """Return the Python versions that a term allows; None where a comparison is not one of a version with a number."""
    found = VersionRange.full(prereleases=True)
    for atom in term:
        left, operator, right = split_atom(atom)
        if left in _VERSIONS:
            try:
                found &= SpecifierSet(_version_clause(left, operator, right.strip("\"'")), prereleases=True).to_range()
            except ValueError:
                return None
    return found


def _version_clause(variable: str, operator: str, version: str) -> str:
    """Return a comparison as a specifier of the full version: `python_version > "3.9"` means 3.10 and later.

    Release candidates count with the release they lead to, so that `<3.10` and `>=3.10` leave nothing out.
    """
    if operator in ("<", ">=") and version.replace(".", "").isdigit():
        return f"{operator}{version}.dev0"
    if operator not in _OPPOSITE or operator in ("in", "not in"):
        raise ValueError(operator)
    if variable == "python_full_version":
        return f"{operator}{version}"
    if operator in ("==", "!="):
        return f"{operator}{version.removesuffix('.*')}.*"
    major, _, minor = version.partition(".")
    following = f"{major}.{int(minor or 0) + 1}.dev0"
    return f"<{following}" if operator == "<=" else f">={following}"
