"""poetry.lock of every version: https://python-poetry.org/docs/basic-usage/#installing-with-poetrylock

The packages are followed from the pyproject.toml beside it through the dependencies of each. The groups and markers
that newer versions of Poetry write at each package are used only where the way does not tell which of two locked
versions is meant, so that a lock rewritten by a newer Poetry stays the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
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
from pycache_action.dependencies.selection import choose_extras, choose_groups, wants_main
from pycache_action.dependencies.structure import at, string, strings, table
from pycache_action.dependencies.toml_text import Toml, parse_toml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pycache_action.dependencies.formats import Asked
    from pycache_action.dependencies.model import Selection


_NOWHERE = Source("poetry.lock")


def parse_poetry_lock(content: bytes, asked: Asked) -> Parsed:
    """Return the locked packages, each with the condition under which Poetry installs it."""
    toml = parse_toml(content)
    if "metadata" not in toml.data:
        raise MalformedError("a table [metadata]")
    packages = _read_packages(toml)
    part = _read_project(asked) or _part_of_lock(toml, packages, asked.selection)
    lock = _Lock(toml, packages, part)
    if part.declared is None:
        reached, direct = lock.by_groups(), set(range(len(packages)))
    else:
        steps = [step for one in part.declared for step in lock.steps_to(one)]
        direct = {package for step in steps for package in step.packages}
        reached = walk(steps, lock.needs)
    return Parsed(
        requirements=tuple(
            lock.requirement(package, condition, asked.path, direct=package in direct)
            for package, condition in reached.items()
            if condition != NEVER
        )
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """What is asked for: groups, `main` for the project's own dependencies, extras, and the requirements of these.

    The requirements are None where there is no project to tell them.
    """

    groups: set[str]
    extras: set[str]
    declared: tuple[Requirement, ...] | None


def _read_project(asked: Asked) -> _Part | None:
    content = asked.read_beside("pyproject.toml")
    if content is None:
        return None
    try:
        project = Project(parse_toml(content), "pyproject.toml")
        chosen = project.choose(asked)
        groups = chosen.groups | ({"main"} if chosen.main else set())
        return _Part(groups, chosen.extras, tuple(project.requirements(chosen)))
    except MalformedError as error:
        raise MalformedError(f"a pyproject.toml beside it that can be read (line {error.line})") from error


def _part_of_lock(toml: Toml, packages: list[_Package], selection: Selection) -> _Part:
    available = {name for package in packages for name in _groups(package)} - {"main"}
    groups = choose_groups(selection, available, available) | ({"main"} if wants_main(selection) else set())
    return _Part(groups, choose_extras(selection, at(toml.data, "extras")), None)


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
    part: _Part
    by_name: dict[str, list[int]] = field(default_factory=dict)
    markers: Markers = field(default_factory=Markers)

    def __post_init__(self) -> None:
        for place, package in enumerate(self.packages):
            self.by_name.setdefault(package.name, []).append(place)

    def steps_to(self, requirement: Requirement) -> list[Step]:
        """Return the steps to the locked versions that a requirement allows; to all of them if none is allowed.

        Where several are allowed, the markers that Poetry 2 writes at each tell them apart.
        """
        places = self.by_name.get(requirement.name, [])
        if len(places) > 1:
            places = [place for place in places if _is_meant(self.packages[place], requirement)] or places
        condition = self.markers.read(requirement.marker)
        return [
            Step(
                packages=(place,),
                extras=requirement.extras,
                condition=both(condition, self._own_condition(place)) if len(places) > 1 else condition,
            )
            for place in places
        ]

    def needs(self, place: int, extra: str) -> Iterator[Step]:
        package = self.packages[place]
        brought = _brought_by(package, extra) if extra else set()
        for name, value in table(package.table.get("dependencies"), "dependencies", package.line).items():
            for one in value if isinstance(value, list) else [value]:
                needed = table({"version": one} if isinstance(one, str) else one, name, package.line)
                for step in self._steps_on(canonicalize_name(name), needed, package.line):
                    condition = step.condition
                    if any(map(_is_extra, (atom for term in condition for atom in term))):
                        condition = decided(condition, lambda atom: _holds_for(atom, {extra}))
                    elif needed.get("optional") is True and canonicalize_name(name) not in brought:
                        continue
                    yield replace(step, condition=condition)

    def _steps_on(self, name: str, needed: dict[str, object], line: int) -> Iterator[Step]:
        url = next((string(needed[kind], kind, line) for kind in ("git", "url", "path", "file") if kind in needed), "")
        requirement = Requirement(
            name=name,
            extras=canonical_names(strings(needed.get("extras"), "extras", line)),
            marker=string(needed.get("markers"), "markers", line),
            url=url,
            source=_NOWHERE,
        )
        for specifier in parse_constraint(string(needed.get("version"), "version", line) or "*"):
            yield from self.steps_to(replace(requirement, specifier=specifier))

    def by_groups(self) -> dict[int, Condition]:
        """Return what the lock alone tells: the groups, extras and markers at each package."""
        extras = at(self.toml.data, "extras")
        brought = {
            one
            for extra in extras
            if canonicalize_name(extra) in self.part.extras
            for one in canonical_names(strings(extras[extra], "extras"))
        }
        return {
            place: self._own_condition(place)
            for place, package in enumerate(self.packages)
            if _groups(package) & self.part.groups
            and (
                package.table.get("optional") is not True
                or package.name in brought
                or "extra" in str(package.table.get("markers"))
            )
        }

    def _own_condition(self, place: int) -> Condition:
        """Return the markers at a package: one text, or one for each of its groups that has any."""
        package = self.packages[place]
        markers = package.table.get("markers")
        texts = [markers]
        if isinstance(markers, dict):
            texts = [markers.get(group) for group in sorted(_groups(package) & self.part.groups)] or [""]
        found = NEVER
        for text in texts:
            found = either(found, self.markers.read(string(text, "markers", package.line)))
        return decided(found, lambda atom: _holds_for(atom, self.part.extras))

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


def _holds_for(atom: str, extras: set[str]) -> bool | None:
    left, operator, right = split_atom(atom)
    return (right.strip("\"'") in extras) == (operator == "==") if left == "extra" else None


def _is_meant(package: _Package, requirement: Requirement) -> bool:
    if requirement.url:
        return bool(package.source) and package.source.get("type") != "legacy"
    try:
        return SpecifierSet(requirement.specifier).contains(package.version, prereleases=True)
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
