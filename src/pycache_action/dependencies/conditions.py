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
MAX_MARKERS = 1000

_TOKEN = re.compile(r"""\s*("[^"]*"|'[^']*'|[()]|[^\s()"']+)""")
_ATOM = re.compile(r"""(?P<left>"[^"]*"|'[^']*'|\S+) (?P<operator>not in|\S+) (?P<right>"[^"]*"|'[^']*'|\S+)""")
_VERSIONS = ("python_version", "python_full_version")
_EVERY_VERSION = SpecifierSet(">=0.dev0", prereleases=True).to_range()
_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!=", "===": "==="}
_OPPOSITES = (("<", ">="), (">", "<="), ("==", "!="), ("in", "not in"))
_OPPOSITE = {one: other for pair in _OPPOSITES for one, other in (pair, pair[::-1])}


class TooComplexError(ValueError):
    """A condition has so many terms that it is not worth following."""


class Markers:
    """The markers of one file, each read once; there may not be too many, since each takes up to milliseconds."""

    def __init__(self) -> None:
        self._known: dict[str, Condition] = {}

    def read(self, text: str) -> Condition:
        """Read a marker; the empty text is `ALWAYS`. Raises MalformedError."""
        if (known := self._known.get(text)) is not None:
            return known
        if len(self._known) >= MAX_MARKERS:
            raise MalformedError(f"at most {MAX_MARKERS} different markers")
        try:
            return self._known.setdefault(text, parse_condition(text))
        except TooComplexError:
            raise MalformedError("a marker that can be followed in reasonable time", text) from None


def parse_condition(text: str) -> Condition:
    """Read a marker; the empty text is `ALWAYS`. Raises MalformedError, and TooComplexError for thousands of terms."""
    if not text.strip():
        return ALWAYS
    try:
        marker = str(Marker(text))
    except (ValueError, RecursionError) as error:
        raise MalformedError(expectation(error, "an environment marker"), text) from error
    return _simplified(_Parser(_TOKEN.findall(marker)).parse())


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
    return _simplified(_multiplied(one, other))


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
    """Multiplies a marker out. Nothing is simplified on the way, so that the order of the parts makes no difference."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens: Iterator[str] = iter([*tokens, ""])
        self._next = next(self._tokens)

    def parse(self) -> Condition:
        found = self._product()
        while self._take("or"):
            found |= self._product()
        return found

    def _product(self) -> Condition:
        found = self._factor()
        while self._take("and"):
            found = _multiplied(found, self._factor())
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


def _multiplied(one: Condition, other: Condition) -> Condition:
    if len(one) * len(other) > MAX_TERMS * 16:
        raise TooComplexError
    return frozenset(left | right for left in one for right in other)


def _simplified(terms: Iterable[frozenset[str]]) -> Condition:
    """Drop what cannot hold and what is said twice, and join terms that together leave an atom open.

    The result depends on the terms alone, not on the order of a set, which differs from one run to the next.
    """
    left = set(terms)
    changed = True
    while changed:
        left = {_shortened(term) for term in left if _may_hold(term)}
        if len(left) > MAX_TERMS:
            raise TooComplexError
        for term in sorted(left, key=sorted):  # of two that mean the same, one must stay
            if any(other != term and _implies(term, other) for other in left):
                left.remove(term)
        changed = _join_opposites(left) or _join_versions(left)
    return frozenset(left)


def _shortened(term: frozenset[str]) -> frozenset[str]:
    """Drop atoms that others imply: `python_version < "3.9" and python_version < "3.10"`."""
    for atom in sorted(term) if len(term) > 1 else ():
        if _implies(term - {atom}, frozenset({atom})):
            return _shortened(term - {atom})
    return term


@lru_cache(maxsize=16384)
def _implies(term: frozenset[str], other: frozenset[str]) -> bool:
    """Whether `other` holds wherever `term` does, as far as is easily seen."""
    for atom in other - term:
        left, operator, right = split_atom(atom)
        if left in _VERSIONS:
            asked = _version_range(atom)
            if asked is None or not _allowed_versions(term).is_subset(asked):
                return False
        elif operator != "!=" or not any(_is_equal_to_another(one, left, right) for one in term):
            return False
    return True


def _is_equal_to_another(atom: str, variable: str, value: str) -> bool:
    left, operator, right = split_atom(atom)
    return left == variable and operator == "==" and right != value


def _join_opposites(terms: set[frozenset[str]]) -> bool:
    """Shorten one term of `a and b or not a`, if there is one, to `b or not a`."""
    for term in sorted(terms, key=sorted):
        for atom in sorted(term):
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
    for term in sorted(terms, key=sorted):
        versions = frozenset(atom for atom in term if atom.startswith("python_") and _version_range(atom) is not None)
        by_rest.setdefault(term - versions, []).append(versions)
    for rest, alike in by_rest.items():
        together = VersionRange.empty(prereleases=True)
        for versions in alike:
            together |= _allowed_versions(versions)
        if rest not in terms and _EVERY_VERSION.is_subset(together):
            terms.difference_update(rest | versions for versions in alike)
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
    return not _allowed_versions(term).is_empty


@lru_cache(maxsize=8192)
def _allowed_versions(term: frozenset[str]) -> VersionRange:
    """Return the Python versions that a term allows, or more where one of its comparisons is not of this kind."""
    found = VersionRange.full(prereleases=True)
    for atom in term:
        if (allowed := _version_range(atom)) is not None:
            found &= allowed
    return found


@lru_cache(maxsize=4096)
def _version_range(atom: str) -> VersionRange | None:
    """Return the Python versions that a comparison allows; None where it is no comparison with one version."""
    left, operator, right = split_atom(atom)
    if left not in _VERSIONS:
        return None
    try:
        return SpecifierSet(_version_clause(left, operator, right.strip("\"'")), prereleases=True).to_range()
    except ValueError:
        return None


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
