"""What changed between two readings of a project's dependencies, in the words a person would use."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from pycache_action.dependencies.model import Graph, Requirement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pycache_action.dependencies.model import DependencySet, Meaning, Role


class Kind(StrEnum):
    """In what a requirement changed. Where several apply, the first in this order is the one to name."""

    SOURCE = "source"
    UPGRADED = "upgraded"
    DOWNGRADED = "downgraded"
    LOOSENED = "loosened"
    TIGHTENED = "tightened"
    SPECIFIER = "specifier"
    EXTRAS = "extras"
    MARKER = "marker"
    EDITABLE = "editable"
    OPTIONS = "options"
    HASHES = "hashes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One requirement before and after; None where it is not there."""

    role: Role
    before: Requirement | None
    after: Requirement | None
    kinds: tuple[Kind, ...] = ()

    @property
    def name(self) -> str:
        return self._either.name

    @property
    def direct(self) -> bool:
        """Whether the project itself asks for it, rather than another package."""
        return self._either.direct

    @property
    def kind(self) -> Kind | None:
        return self.kinds[0] if self.kinds else None

    @property
    def _either(self) -> Requirement:
        found = self.after or self.before
        if not found:
            raise ValueError("a change has a before or an after")
        return found

    def to_json(self) -> dict[str, object]:
        source = self._either.source
        written: dict[str, object] = {
            "name": self.name,
            "before": str(self.before) if self.before else None,
            "after": str(self.after) if self.after else None,
            "direct": self.direct,
            "role": self.role,
            "file": source.file,
            "line": source.line,
        }
        return written | (
            {"kind": self.kinds[0].value, "kinds": [one.value for one in self.kinds]} if self.kinds else {}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionsChange:
    """Index and build options of a wanted file that came or went; both empty where only their order changed."""

    file: str
    added: tuple[str, ...]
    removed: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        return {"file": self.file, "added": list(self.added), "removed": list(self.removed)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """From one `DependencySet` to the next.

    `unreadable` are files that count by their bytes and whose bytes changed, came or went. `rewritten` are files with
    other bytes and the same meaning: alone, they leave the difference empty. `renamed` holds a wanted file's path
    before and after.
    """

    added: tuple[Change, ...] = ()
    removed: tuple[Change, ...] = ()
    changed: tuple[Change, ...] = ()
    options_changed: tuple[OptionsChange, ...] = ()
    unreadable: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    rewritten: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether both sets have one meaning."""
        return not (
            self.added or self.removed or self.changed or self.options_changed or self.unreadable or self.renamed
        )

    def to_json(self) -> dict[str, object]:
        return {
            "added": [one.to_json() for one in self.added],
            "removed": [one.to_json() for one in self.removed],
            "changed": [one.to_json() for one in self.changed],
            "options_changed": [one.to_json() for one in self.options_changed],
            "unreadable": list(self.unreadable),
            "renamed": [list(one) for one in self.renamed],
            "rewritten": list(self.rewritten),
        }


def compare(before: DependencySet, after: DependencySet) -> Difference:
    """Compare wanted file by wanted file, by path; one that was renamed is found again if it is the only one left.

    The difference is empty exactly when `before.meaning() == after.meaning()`.
    """
    pairs = list(_pairs(before.graphs(), after.graphs()))
    changes = sorted(
        (change for old, new in pairs for change in _changes(old, new)),
        key=lambda one: (one.name, one.role, str(one.before), str(one.after)),
    )
    return Difference(
        added=tuple(one for one in changes if not one.before),
        removed=tuple(one for one in changes if not one.after),
        changed=tuple(one for one in changes if one.before and one.after),
        options_changed=tuple(one for old, new in pairs if (one := _options_change(old, new))),
        unreadable=tuple(sorted({path for old, new in pairs for path in _changed_bytes(old, new)})),
        renamed=tuple((old.path, new.path) for old, new in pairs if old.files and new.files and old.path != new.path),
        rewritten=tuple(sorted({path for old, new in pairs for path in _rewritten(old, new)})),
    )


_NOTHING = Graph(())


def _pairs(before: tuple[Graph, ...], after: tuple[Graph, ...]) -> Iterator[tuple[Graph, Graph]]:
    """Yield what belongs together: of one meaning, else of one label, else of one path, else the only ones left."""
    old = list({graph.meaning(): graph for graph in before}.values())
    new = list({graph.meaning(): graph for graph in after}.values())
    for likeness in (Graph.meaning, _label, _path):
        for graph in tuple(old):
            if partner := next((one for one in new if likeness(one) == likeness(graph)), None):
                old.remove(graph)
                new.remove(partner)
                yield graph, partner
    if len(old) == len(new) == 1 and old[0].meaning() and new[0].meaning():
        yield old[0], new[0]
    else:
        yield from ((graph, _NOTHING) for graph in old)
        yield from ((_NOTHING, graph) for graph in new)


def _changes(old: Graph, new: Graph) -> Iterator[Change]:
    # What a file that is not understood held before or holds now is not known: nothing is said about either.
    unknown = _changed_bytes(old, new)
    before, after = _by_name(old, unknown), _by_name(new, unknown)
    for role, name in sorted(before.keys() | after.keys()):
        gone = before.get((role, name), {})
        come = after.get((role, name), {})
        was = [one for meaning, one in gone.items() if meaning not in come]
        now = [one for meaning, one in come.items() if meaning not in gone]
        for one, other in _likely_pairs(was, now):
            kinds = compute_kinds(one, other) if one and other else ()
            yield Change(role=role, before=one, after=other, kinds=kinds)


def _by_name(graph: Graph, unknown: set[str]) -> dict[tuple[Role, str], dict[Meaning, Requirement]]:
    found: dict[tuple[Role, str], dict[Meaning, Requirement]] = defaultdict(dict)
    for role, one in graph.requirements():
        if one.source.file not in unknown:
            found[role, one.name][one.meaning] = one
    return found


def _likely_pairs(
    was: list[Requirement], now: list[Requirement]
) -> Iterator[tuple[Requirement | None, Requirement | None]]:
    """Pair what has one marker, then the others in order: a package often stands there once per Python version."""
    was, now = sorted(was, key=str), sorted(now, key=str)
    for one in tuple(was):
        if other := next((candidate for candidate in now if candidate.marker == one.marker), None):
            was.remove(one)
            now.remove(other)
            yield one, other
    yield from zip_longest(was, now)


def compute_kinds(before: Requirement, after: Requirement) -> tuple[Kind, ...]:
    """Return in what two requirements of one name differ, most telling first."""
    kinds = []
    if (before.url, before.index) != (after.url, after.index):
        kinds.append(Kind.SOURCE)
    if before.clauses != after.clauses:
        kinds.append(_specifier_kind(before, after))
    for kind, name in _PLAIN_KINDS:
        if getattr(before, name) != getattr(after, name):
            kinds.append(kind)
    if kinds and kinds[0] in (Kind.SOURCE, Kind.UPGRADED, Kind.DOWNGRADED):  # other files have other hashes
        kinds = [kind for kind in kinds if kind is not Kind.HASHES]
    return tuple(kinds)


_PLAIN_KINDS = (
    (Kind.EXTRAS, "extras"),
    (Kind.MARKER, "marker"),
    (Kind.EDITABLE, "editable"),
    (Kind.OPTIONS, "options"),
    (Kind.HASHES, "hashes"),
)


def _specifier_kind(before: Requirement, after: Requirement) -> Kind:
    """Say which way the allowed versions moved."""
    try:
        if before.version and after.version:
            return Kind.UPGRADED if Version(after.version) > Version(before.version) else Kind.DOWNGRADED
        was, now = SpecifierSet(before.specifier), SpecifierSet(after.specifier)
        if was.is_subset(now):
            return Kind.LOOSENED
        if now.is_subset(was):
            return Kind.TIGHTENED
        old, new = _floor(was), _floor(now)
        if old != new:
            return Kind.UPGRADED if new > old else Kind.DOWNGRADED
    except ValueError:  # '===' takes any text
        return Kind.SPECIFIER
    return Kind.SPECIFIER


def _floor(specifiers: SpecifierSet) -> Version:
    """Return the lowest version that the clauses speak of allowing."""
    lower = [one.version.removesuffix(".*") for one in specifiers if one.operator in (">=", ">", "==", "~=", "===")]
    return max(map(Version, lower), default=Version("0.dev0"))


def _options_change(old: Graph, new: Graph) -> OptionsChange | None:
    if old.options == new.options:
        return None
    return OptionsChange(
        file=(new if new.files else old).path,
        added=tuple(one for one in new.options if one not in old.options),
        removed=tuple(one for one in old.options if one not in new.options),
    )


def _changed_bytes(old: Graph, new: Graph) -> set[str]:
    return {path for _, path, _ in old.by_bytes() ^ new.by_bytes()}


def _rewritten(old: Graph, new: Graph) -> Iterator[str]:
    """Yield the files with other bytes; where the graph's meaning changed, only those that had no part in it."""
    same = old.meaning() == new.meaning()
    before = {(file.path, file.role): file for file in old.files}
    after = {(file.path, file.role): file for file in new.files}
    for place in before.keys() | after.keys():
        one, other = before.get(place), after.get(place)
        if one and other and one.digest != other.digest:
            if same or Graph((one,)).meaning() == Graph((other,)).meaning():
                yield one.path
        elif same and not (one and other):
            yield place[0]


def _label(graph: Graph) -> str:
    return graph.files[0].wanted_by


def _path(graph: Graph) -> str:
    return graph.path
