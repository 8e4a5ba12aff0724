"""uv.lock: https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile

What counts is the packages that can be reached from the project by what is asked for. The version of the project
itself, the revision of the format, upload times and sizes do not.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit, urlunsplit

from packaging.utils import canonicalize_name

from pycache_action.dependencies.artifacts import read_hashes
from pycache_action.dependencies.conditions import (
    ALWAYS,
    Condition,
    Markers,
    decided,
    render_condition,
    split_atom,
)
from pycache_action.dependencies.formats import Parsed
from pycache_action.dependencies.locations import canonical_path, canonical_url, git_url, index_of
from pycache_action.dependencies.locked_graph import Step, walk
from pycache_action.dependencies.malformed import MalformedError
from pycache_action.dependencies.model import Requirement, Source
from pycache_action.dependencies.selection import choose_extras, choose_groups, wants_main
from pycache_action.dependencies.structure import at, string, strings, table
from pycache_action.dependencies.toml_text import Toml, parse_toml

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pycache_action.dependencies.formats import Asked
    from pycache_action.dependencies.model import Selection

_SOURCES = ("registry", "git", "url", "path", "directory", "editable", "virtual")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Package:
    name: str
    version: str
    kind: str  # one of _SOURCES
    place: str
    line: int
    table: dict[str, object]


def parse_uv_lock(content: bytes, asked: Asked) -> Parsed:
    """Return the locked packages, each with the condition under which uv installs it."""
    toml = parse_toml(content)
    if toml.data.get("version") != 1:
        raise MalformedError("version = 1", str(toml.data.get("version", "")), toml.line_of("version"))
    lock = _Lock(toml, _read_packages(toml))
    roots = lock.find_roots(asked.selection)
    lock.active_extras = _active(lock, roots, asked)
    steps = [step for root in roots for step in lock.steps_from_root(root, asked)]
    steps += lock.steps_from_manifest(asked.selection)
    if not roots and not steps:
        raise MalformedError(f"a project to install ({str(asked.selection) or 'the one beside the lock'})")
    direct = {package for step in steps for package in step.packages}
    requirements = tuple(
        lock.requirement(package, condition, asked.path, direct=package in direct)
        for package, condition in walk(steps, lock.needs).items()
        if package not in roots and lock.packages[package].kind != "virtual"
    )
    return Parsed(requirements=requirements)


def _read_packages(toml: Toml) -> list[_Package]:
    packages = []
    lines = toml.lines_of("[[package]]")
    entries = toml.entries(toml.data.get("package", []))
    for place, entry in enumerate(entries):
        line = lines[place] if len(lines) == len(entries) else 0
        package = table(entry, "package", line)
        name = string(package.get("name"), "name", line)
        source = table(package.get("source"), "source", line)
        kind = next((one for one in _SOURCES if one in source), "")
        if not name or not kind:
            raise MalformedError("a package with name and source", name, line)
        packages.append(
            _Package(
                name=canonicalize_name(name),
                version=string(package.get("version"), "version", line),
                kind=kind,
                place=string(source[kind], "source", line),
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
    active_extras: set[str] = field(default_factory=set)
    markers: Markers = field(default_factory=Markers)

    def __post_init__(self) -> None:
        for place, package in enumerate(self.packages):
            self.by_name.setdefault(package.name, []).append(place)

    def find_roots(self, selection: Selection) -> list[int]:
        """Return the projects that are synchronised: those asked for, else the one beside the lock, else all."""
        local = [place for place, one in enumerate(self.packages) if one.kind in ("editable", "virtual", "directory")]
        members = {
            canonicalize_name(name) for name in strings(at(self.toml.data, "manifest").get("members"), "members")
        }
        if selection.packages:
            return [place for place in local if _is_named(self.packages[place], selection.packages)]
        beside = [place for place in local if posixpath.normpath(self.packages[place].place) == "."]
        if selection.all_packages or not beside:
            return [place for place in local if self.packages[place].name in members or place in beside]
        return beside

    def steps_from_root(self, root: int, asked: Asked) -> Iterable[Step]:
        package = self.packages[root]
        selection = asked.selection
        extras = table(package.table.get("optional-dependencies"), "optional-dependencies", package.line)
        groups = table(package.table.get("dev-dependencies"), "dev-dependencies", package.line)
        if wants_main(selection):
            yield from self.needs(root, "")
            for extra in sorted(choose_extras(selection, extras)):
                yield from self.needs(root, extra)
        chosen = choose_groups(selection, groups, _default_groups(package, asked))
        for name, entries in groups.items():
            if canonicalize_name(name) in chosen:
                yield from self._steps(entries)

    def steps_from_manifest(self, selection: Selection) -> Iterable[Step]:
        """Yield what a script asks for, and the groups of a workspace whose root is no project."""
        yield from self._steps(at(self.toml.data, "manifest").get("requirements", []))
        groups = at(self.toml.data, "manifest", "dependency-groups")
        chosen = choose_groups(selection, groups, ("dev",))
        for name, entries in groups.items():
            if canonicalize_name(name) in chosen:
                yield from self._steps(entries)

    def needs(self, package: int, extra: str) -> Iterable[Step]:
        entries = self.packages[package].table
        if not extra:
            return self._steps(entries.get("dependencies", []))
        extras = table(entries.get("optional-dependencies"), "optional-dependencies", self.packages[package].line)
        return (step for name, one in extras.items() if canonicalize_name(name) == extra for step in self._steps(one))

    def _steps(self, entries: object) -> Iterable[Step]:
        for entry in self.toml.entries(entries):
            needed = table(entry, "dependency")
            name = canonicalize_name(string(needed.get("name"), "name"))
            extras = strings(needed.get("extra"), "extra")
            condition = self.markers.read(string(needed.get("marker"), "marker"))
            if any("extra ==" in atom or "extra !=" in atom for term in condition for atom in term):
                condition = decided(condition, self._is_active)
            yield Step(
                packages=tuple(place for place in self.by_name.get(name, ()) if self._is_meant(place, needed)),
                extras=tuple(canonicalize_name(extra) for extra in extras),
                condition=condition,
            )

    def _is_meant(self, place: int, needed: dict[str, object]) -> bool:
        package = self.packages[place]
        version, source = needed.get("version"), needed.get("source")
        return (version is None or version == package.version) and (
            source is None or source == package.table.get("source")
        )

    def _is_active(self, atom: str) -> bool | None:
        """Decide the extras in which uv writes declared conflicts: `extra-4-demo-cpu`, `group-4-demo-dev`."""
        left, operator, right = split_atom(atom)
        if left != "extra":
            return None
        return (right.strip("\"'") in self.active_extras) == (operator == "==")

    def requirement(self, place: int, condition: Condition, path: str, *, direct: bool) -> Requirement:
        package = self.packages[place]
        local = package.kind in ("directory", "editable")
        return Requirement(
            name=package.name,
            specifier=f"=={package.version}" if package.kind == "registry" else "",
            marker="" if condition == ALWAYS else render_condition(condition),
            url=_url(package) if package.kind != "registry" else "",
            index=_index(package) if package.kind == "registry" else "",
            hashes=() if local else read_hashes(self.toml, package.table.get("sdist"), package.table.get("wheels")),
            editable=package.kind == "editable",
            direct=direct,
            source=Source(path, package.line),
        )


def _is_named(package: _Package, names: tuple[str, ...]) -> bool:
    return package.name in names or canonical_path(package.place) in {
        canonical_path(name) for name in names if name.startswith("./")
    }


def _active(lock: _Lock, roots: list[int], asked: Asked) -> set[str]:
    """Return the names under which uv writes the extras and groups that are asked for in markers of conflicts."""
    active = set()
    for root in roots:
        package = lock.packages[root]
        extras = choose_extras(
            asked.selection, table(package.table.get("optional-dependencies"), "optional-dependencies")
        )
        groups = table(package.table.get("dev-dependencies"), "dev-dependencies")
        chosen = choose_groups(asked.selection, groups, _default_groups(package, asked))
        size = len(package.name)
        active |= {f"extra-{size}-{package.name}-{extra}" for extra in extras}
        active |= {f"group-{size}-{package.name}-{group}" for group in chosen}
    return active


def _default_groups(package: _Package, asked: Asked) -> Iterable[str]:
    """Return what `tool.uv.default-groups` of the project says; by default that is `dev`."""
    content = asked.read_beside(posixpath.join(package.place, "pyproject.toml"))
    if content is None:
        return ("dev",)
    try:
        default = at(parse_toml(content).data, "tool", "uv").get("default-groups", ["dev"])
        groups = table(package.table.get("dev-dependencies"), "dev-dependencies")
        return list(groups) if default == "all" else strings(default, "default-groups")
    except MalformedError:
        return ("dev",)


def _url(package: _Package) -> str:
    try:
        if package.kind == "git":
            parts = urlsplit(package.place)  # https://host/repository?subdirectory=a&rev=main#commit
            folder = parse_qs(parts.query).get("subdirectory", [""])[0]
            return git_url(urlunsplit((parts.scheme, parts.netloc, parts.path, "", "")), parts.fragment, folder)
        return canonical_url(package.place) if package.kind == "url" else canonical_path(package.place)
    except ValueError as error:
        raise MalformedError(f"the URL of a package ({error})", package.place, package.line) from error


def _index(package: _Package) -> str:
    try:
        return index_of(package.place)
    except ValueError as error:
        raise MalformedError(f"the URL of an index ({error})", package.place, package.line) from error
