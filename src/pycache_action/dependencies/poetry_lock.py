"""poetry.lock of every version: https://python-poetry.org/docs/basic-usage/#installing-with-poetrylock

The packages are followed from the pyproject.toml beside it through the dependencies of each. The groups and markers
that newer versions of Poetry write at each package are used only where the way does not tell which of two locked
versions is meant, so that a lock rewritten by a newer Poetry stays the same.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from pycache_action.dependencies.artifacts import read_hashes
from pycache_action.dependencies.conditions import (
    NEVER,
    Condition,
    Markers,
    both,
    decided,
    either,
    render_condition,
    split_atom,
)
from pycache_action.dependencies.formats import Parsed
from pycache_action.dependencies.locations import canonical_path, canonical_url, git_url, index_of
from pycache_action.dependencies.locked_graph import Step, walk
from pycache_action.dependencies.malformed import MalformedError
from pycache_action.dependencies.model import Requirement, Source
from pycache_action.dependencies.poetry_constraints import parse_constraint
from pycache_action.dependencies.pyproject import Project
from pycache_action.dependencies.requirement import canonical_names
from pycache_action.dependencies.selection import MAIN, choose_extras, choose_groups, wants_main
from pycache_action.dependencies.structure import at, string, strings, table
from pycache_action.dependencies.toml_text import Toml, parse_toml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pycache_action.dependencies.formats import Asked
    from pycache_action.dependencies.model import Selection


def parse_poetry_lock(content: bytes, asked: Asked) -> Parsed:
    """Return the locked packages, each with the condition under which Poetry installs it."""
    toml = parse_toml(content)
    if "metadata" not in toml.data:
        raise MalformedError("a table [metadata]")
    lock = _Lock(toml, _read_packages(toml))
    declared = _read_declared(asked)
    if declared is None:
        reached, direct = lock.by_groups(asked.selection), set(range(len(lock.packages)))
    else:
        steps = [
            lock.step(one.name, one.specifier, one.url, one.extras, lock.markers.read(one.marker)) for one in declared
        ]
        direct = {package for step in steps for package in step.packages}
        reached = lock.told_apart(walk(steps, lock.needs))
    return Parsed(
        requirements=tuple(
            lock.requirement(package, condition, asked.path, direct=package in direct)
            for package, condition in reached.items()
        )
    )


def _read_declared(asked: Asked) -> list[Requirement] | None:
    """Return what the pyproject.toml beside the lock asks for; None where there is none."""
    content = asked.read_beside("pyproject.toml")
    if content is None:
        return None
    try:
        project = Project(parse_toml(content), "pyproject.toml")
        return list(project.requirements(project.choose(asked)))
    except MalformedError as error:
        raise MalformedError(f"a pyproject.toml beside it that can be read (line {error.line})") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Package:
    name: str
    version: str
    line: int
    table: dict[str, object]
    source: dict[str, object]


def _read_packages(toml: Toml) -> list[_Package]:
    packages = []
    lines = toml.lines_of("[[package]]")
    entries = toml.entries(toml.data.get("package", []))
    for place, entry in enumerate(entries):
        line = lines[place] if len(lines) == len(entries) else 0
        package = table(entry, "package", line)
        name, version = string(package.get("name"), "name", line), string(package.get("version"), "version", line)
        if not name or not version:
            raise MalformedError("a package with name and version", name, line)
        source = table(package.get("source"), "source", line)
        packages.append(
            _Package(name=canonicalize_name(name), version=version, line=line, table=package, source=source)
        )
    return packages


@dataclass(slots=True)
class _Lock:
    toml: Toml
    packages: list[_Package]
    by_name: dict[str, list[int]] = field(default_factory=dict)
    markers: Markers = field(default_factory=Markers)

    def __post_init__(self) -> None:
        for place, package in enumerate(self.packages):
            self.by_name.setdefault(package.name, []).append(place)

    def step(self, name: str, specifier: str, url: str, extras: tuple[str, ...], condition: Condition) -> Step:
        """Return the step to the locked versions that a requirement allows; to all of them if none is allowed."""
        places = self.by_name.get(name, [])
        if len(places) > 1:
            meant = [place for place in places if _is_meant(self.packages[place], specifier, url)]
            places = meant or places
        return Step(packages=tuple(places), extras=extras, condition=condition)

    def needs(self, place: int, extra: str) -> Iterator[Step]:
        package = self.packages[place]
        brought = _brought_by(package, extra) if extra else set()
        for name, value in table(package.table.get("dependencies"), "dependencies", package.line).items():
            for one in value if isinstance(value, list) else [value]:
                needed = {"version": one} if isinstance(one, str) else table(one, name, package.line)
                marker = string(needed.get("markers"), "markers", package.line)
                condition = self.markers.read(marker)
                if "extra" in marker:
                    condition = decided(condition, lambda atom: _holds_for_any(atom, {extra}))
                if needed.get("optional") is True and "extra" not in marker and canonicalize_name(name) not in brought:
                    continue
                url = next(
                    (string(needed[kind], kind) for kind in ("git", "url", "path", "file") if kind in needed), ""
                )
                extras = canonical_names(strings(needed.get("extras"), "extras", package.line))
                for specifier in parse_constraint(string(needed.get("version"), "version", package.line) or "*"):
                    yield self.step(canonicalize_name(name), specifier, url, extras, condition)

    def told_apart(self, reached: dict[int, Condition]) -> dict[int, Condition]:
        """Where several versions of one package are reached, add the markers that Poetry 2 writes at each."""
        count = Counter(self.packages[place].name for place in reached)
        found = {}
        for place, condition in reached.items():
            if count[self.packages[place].name] > 1:
                condition = both(condition, decided(self._own_condition(place), lambda atom: _is_extra(atom) or None))
            if condition != NEVER:
                found[place] = condition
        return found

    def by_groups(self, selection: Selection) -> dict[int, Condition]:
        """Return what the lock alone tells: the groups, extras and markers at each package."""
        groups = [_groups(package) for package in self.packages]
        available = {name for one in groups for name in one} - MAIN
        chosen = choose_groups(selection, available, available) | (MAIN if wants_main(selection) else set())
        extras = at(self.toml.data, "extras")
        names = choose_extras(selection, extras)
        brought = {
            one
            for extra in extras
            if canonicalize_name(extra) in names
            for one in canonical_names(strings(extras[extra], "extras"))
        }
        found = {}
        for place, package in enumerate(self.packages):
            condition = decided(self._own_condition(place), lambda atom: _holds_for_any(atom, names))
            told = (
                package.table.get("optional") is not True
                or package.name in brought
                or "extra" in str(package.table.get("markers"))
            )
            if groups[place] & chosen and told and condition != NEVER:
                found[place] = condition
        return found

    def _own_condition(self, place: int) -> Condition:
        """Return the markers at a package: one text, or one for each group."""
        package = self.packages[place]
        markers = package.table.get("markers")
        texts = list(markers.values()) if isinstance(markers, dict) else [markers]
        found = NEVER
        for text in texts:
            found = either(found, self.markers.read(string(text, "markers", package.line)))
        return found

    def requirement(self, place: int, condition: Condition, path: str, *, direct: bool) -> Requirement:
        package = self.packages[place]
        kind = string(package.source.get("type"), "source.type", package.line)
        is_indexed = kind in ("", "legacy")
        return Requirement(
            name=package.name,
            specifier=f"=={package.version}" if is_indexed else "",
            marker=render_condition(condition),
            url="" if is_indexed else _url(package),
            index=_index(package) if is_indexed else "",
            hashes=read_hashes(self.toml, self._files(package)) if kind != "directory" else (),
            editable=package.table.get("develop") is True,
            direct=direct,
            source=Source(path, package.line),
        )

    def _files(self, package: _Package) -> object:
        """Return the files, which old locks list in the metadata."""
        if "files" in package.table:
            return package.table["files"]
        return at(self.toml.data, "metadata", "files").get(string(package.table["name"], "name"))


def _groups(package: _Package) -> set[str]:
    if "groups" in package.table:
        return set(canonical_names(strings(package.table["groups"], "groups", package.line)))
    return {string(package.table.get("category"), "category", package.line) or "main"}


def _brought_by(package: _Package, extra: str) -> set[str]:
    """Return the names in an extra's list of requirements: `PySocks (>=1.5.6)`."""
    extras = table(package.table.get("extras"), "extras", package.line)
    texts = [
        text for name, one in extras.items() if canonicalize_name(name) == extra for text in strings(one, "extras")
    ]
    return {canonicalize_name(found[0]) for text in texts if (found := re.match(r"[\w.-]+", text))}


def _is_extra(atom: str) -> bool:
    return split_atom(atom)[0] == "extra"


def _holds_for_any(atom: str, extras: set[str]) -> bool | None:
    left, operator, right = split_atom(atom)
    return (right.strip("\"'") in extras) == (operator == "==") if left == "extra" else None


def _is_meant(package: _Package, specifier: str, url: str) -> bool:
    if url:
        return bool(package.source) and package.source.get("type") != "legacy"
    try:
        return SpecifierSet(specifier).contains(package.version, prereleases=True)
    except ValueError:
        return True


def _url(package: _Package) -> str:
    source = package.source
    url = string(source.get("url"), "source.url", package.line)
    try:
        if source.get("type") == "git":
            reference = string(source.get("resolved_reference"), "resolved_reference", package.line)
            return git_url(url, reference, string(source.get("subdirectory"), "subdirectory", package.line))
        return canonical_url(url) if source.get("type") == "url" else canonical_path(url)
    except ValueError as error:
        raise MalformedError(f"the URL of a package ({error})", url, package.line) from error


def _index(package: _Package) -> str:
    url = string(package.source.get("url"), "source.url", package.line)
    try:
        return index_of(url) if url else ""
    except ValueError as error:
        raise MalformedError(f"the URL of an index ({error})", url, package.line) from error
