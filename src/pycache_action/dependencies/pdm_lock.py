"""pdm.lock: https://pdm-project.org/en/latest/usage/lockfile/

Since PDM 2.11 a lock says at each package for which groups and under which markers it is installed. Older ones, and
those made with `--strategy no_inherit_metadata`, are followed from the pyproject.toml beside them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from pycache_action.dependencies.artifacts import read_hashes
from pycache_action.dependencies.conditions import NEVER, Condition, Markers, either, render_condition
from pycache_action.dependencies.formats import Parsed
from pycache_action.dependencies.locations import canonical_path, canonical_url, git_url
from pycache_action.dependencies.locked_graph import Step, walk
from pycache_action.dependencies.malformed import MalformedError
from pycache_action.dependencies.model import Requirement, Source
from pycache_action.dependencies.pyproject import Project
from pycache_action.dependencies.requirement import canonical_names, parse_pep508
from pycache_action.dependencies.selection import choose_like_pdm, wants_main
from pycache_action.dependencies.structure import at, string, strings, table
from pycache_action.dependencies.toml_text import Toml, parse_toml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pycache_action.dependencies.formats import Asked
    from pycache_action.dependencies.model import Selection

_DEFAULT = "default"


def parse_pdm_lock(content: bytes, asked: Asked) -> Parsed:
    """Return the locked packages, each with the condition under which PDM installs it."""
    toml = parse_toml(content)
    if "metadata" not in toml.data:
        raise MalformedError("a table [metadata]")
    lock = _Lock(toml, _read_packages(toml))
    project = _read_project(asked)
    declared = project.declared if project else ()
    if any("groups" in package.table for package in lock.packages):
        reached = lock.by_groups(project.groups if project else lock.choose(asked.selection))
    elif project:
        reached = walk([lock.step(requirement) for requirement in declared], lock.needs)
    else:
        reached = lock.by_groups(None)
    names = {requirement.name for requirement in declared}
    merged = lock.merged(reached)
    return Parsed(
        requirements=tuple(
            lock.requirement(place, condition, asked.path, direct=not project or lock.packages[place].name in names)
            for place, condition in merged.items()
        )
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked for, as the project declares it; an extra is a group too, and so are its own dependencies."""

    groups: set[str]
    declared: tuple[Requirement, ...]


def _read_project(asked: Asked) -> _Asked | None:
    content = asked.read_beside("pyproject.toml")
    if content is None:
        return None
    try:
        project = Project(parse_toml(content), "pyproject.toml")
        chosen = project.choose(asked)
        groups = chosen.groups | chosen.extras | ({_DEFAULT} if chosen.main else set())
        return _Asked(groups, tuple(project.requirements(chosen)))
    except MalformedError as error:
        raise MalformedError(f"a pyproject.toml beside it that can be read (line {error.line})") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Package:
    """A locked package, or the part of one that an extra adds: PDM lists `requests` and `requests[socks]`."""

    name: str
    version: str
    extras: tuple[str, ...]
    line: int
    table: dict[str, object]


def _read_packages(toml: Toml) -> list[_Package]:
    packages = []
    lines = toml.lines_of("[[package]]")
    entries = toml.entries(toml.data.get("package", []))
    for place, entry in enumerate(entries):
        line = lines[place] if len(lines) == len(entries) else 0
        package = table(entry, "package", line)
        name = string(package.get("name"), "name", line)
        if not name:
            raise MalformedError("a package with a name", "", line)
        packages.append(
            _Package(
                name=canonicalize_name(name),
                version=string(package.get("version"), "version", line),
                extras=canonical_names(strings(package.get("extras"), "extras", line)),
                line=line,
                table=package,
            )
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

    def groups(self, package: _Package) -> set[str]:
        return set(canonical_names(strings(package.table.get("groups"), "groups", package.line)))

    def choose(self, selection: Selection) -> set[str]:
        """Return the groups asked for where no project tells groups from extras."""
        available = {name for package in self.packages for name in self.groups(package)} - {_DEFAULT}
        chosen = choose_like_pdm(selection, available, ())
        return chosen | ({_DEFAULT} if wants_main(selection) else set())

    def by_groups(self, chosen: set[str] | None) -> dict[int, Condition]:
        """Return the packages of the chosen groups, with their markers; of all groups for None."""
        return {
            place: self.markers.read(string(package.table.get("marker"), "marker", package.line))
            for place, package in enumerate(self.packages)
            if chosen is None or self.groups(package) & chosen
        }

    def step(self, requirement: Requirement) -> Step:
        places = self.by_name.get(requirement.name, [])
        exact = [place for place in places if self.packages[place].extras == requirement.extras] or places
        meant = [place for place in exact if _is_allowed(self.packages[place], requirement.specifier)]
        return Step(packages=tuple(meant or exact), condition=self.markers.read(requirement.marker))

    def needs(self, place: int, _extra: str) -> Iterator[Step]:
        package = self.packages[place]
        for text in strings(package.table.get("dependencies"), "dependencies", package.line):
            try:
                yield self.step(parse_pep508(text, Source("pdm.lock")))
            except MalformedError as error:
                raise MalformedError(error.expected, error.seen, package.line) from error

    def merged(self, reached: dict[int, Condition]) -> dict[int, Condition]:
        """Return one entry for each package, whichever of its extras are listed beside it."""
        first: dict[tuple[str, str], int] = {}
        found: dict[int, Condition] = {}
        for place, condition in sorted(reached.items(), key=lambda item: (len(self.packages[item[0]].extras), item[0])):
            package = self.packages[place]
            kept = first.setdefault((package.name, package.version), place)
            found[kept] = either(found.get(kept, NEVER), condition)
        return {place: condition for place, condition in found.items() if condition != NEVER}

    def requirement(self, place: int, condition: Condition, path: str, *, direct: bool) -> Requirement:
        package = self.packages[place]
        url = _url(package)
        return Requirement(
            name=package.name,
            specifier="" if url else f"=={package.version}",
            marker=render_condition(condition),
            url=url,
            hashes=() if "path" in package.table else read_hashes(self.toml, self._files(package)),
            editable=package.table.get("editable") is True,
            direct=direct,
            source=Source(path, package.line),
        )

    def _files(self, package: _Package) -> object:
        """Return the files, which old locks list in the metadata under name and version."""
        if "files" in package.table:
            return package.table["files"]
        return at(self.toml.data, "metadata", "files").get(f"{package.table.get('name')} {package.version}")


def _is_allowed(package: _Package, specifier: str) -> bool:
    try:
        return SpecifierSet(specifier).contains(package.version, prereleases=True)
    except ValueError:
        return True


def _url(package: _Package) -> str:
    git, url = (
        string(package.table.get("git"), "git", package.line),
        string(package.table.get("url"), "url", package.line),
    )
    try:
        if git:
            revision = package.table.get("revision") or package.table.get("ref")
            folder = string(package.table.get("subdirectory"), "subdirectory", package.line)
            return git_url(git, string(revision, "revision", package.line), folder)
        if url:
            return canonical_url(url)
    except ValueError as error:
        raise MalformedError(f"the URL of a package ({error})", git or url, package.line) from error
    path = string(package.table.get("path"), "path", package.line)
    return canonical_path(path) if path else ""
