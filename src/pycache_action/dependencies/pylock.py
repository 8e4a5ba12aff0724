"""pylock.toml: https://packaging.python.org/en/latest/specifications/pylock-toml/"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.pylock import Package, Pylock, PylockValidationError

from pycache_action.dependencies.artifacts import read_hashes
from pycache_action.dependencies.conditions import (
    NEVER,
    Condition,
    Markers,
    decided,
    render_condition,
    split_atom,
)
from pycache_action.dependencies.formats import Parsed
from pycache_action.dependencies.laid_out import Lines
from pycache_action.dependencies.locations import canonical_path, canonical_url, git_url, index_of
from pycache_action.dependencies.malformed import MalformedError
from pycache_action.dependencies.model import Requirement, Source
from pycache_action.dependencies.selection import MAIN, choose_extras, choose_groups, wants_main
from pycache_action.dependencies.structure import string, table
from pycache_action.dependencies.toml_text import parse_toml

if TYPE_CHECKING:
    from collections.abc import Callable

    from pycache_action.dependencies.formats import Asked
    from pycache_action.dependencies.model import Selection

_PLACE = re.compile(r"packages\[(\d+)\]")


def parse_pylock(content: bytes, asked: Asked) -> Parsed:
    """Return the locked packages, each with the condition under which an installer takes it.

    Whether the project asks for a package itself is not told by this format: all count as direct.
    """
    toml = parse_toml(content)
    lines = toml.lines_of("[[packages]]")
    entries = toml.entries(toml.data.get("packages", []))
    document = dict(toml.data)
    document["packages"] = [_without_repetition(one) for one in entries]
    try:
        pylock = Pylock.from_dict(document)
    except PylockValidationError as error:
        place = _PLACE.search(error.context or "")
        line = lines[int(place[1])] if place and int(place[1]) < len(lines) else 0
        where = f" at {error.context}" if error.context else ""
        raise MalformedError(f"a pylock.toml as the specification has it{where}: {error.message}", "", line) from error
    decide = _decider(pylock, asked.selection)
    requirements, markers = [], Markers()
    known = lines if len(lines) == len(pylock.packages) else [0] * len(pylock.packages)
    for line, package, entry in zip(known, pylock.packages, entries, strict=True):
        source = Source(asked.path, line)
        condition = decided(markers.read(string(table(entry, "packages").get("marker"), "marker", line)), decide)
        if condition != NEVER:
            files = [table(entry, "packages").get(name) for name in ("archive", "sdist", "wheels")]
            requirements.append(_requirement(package, condition, read_hashes(toml, *files), source))
    return Parsed(requirements=tuple(requirements))


def _without_repetition(entry: object) -> dict[str, object]:
    """Return a package with one of its wheels and no marker: they are many, and alike, and read by themselves."""
    package = dict(table(entry, "packages"))
    package.pop("marker", None)
    if isinstance(wheels := package.get("wheels"), Lines):
        package["wheels"] = Lines(wheels.lines[:1]).read()
    return package


def _decider(pylock: Pylock, selection: Selection) -> Callable[[str], bool | None]:
    groups = pylock.dependency_groups or []
    default = set(pylock.default_groups or [])
    chosen = choose_groups(selection, groups, default) - MAIN
    if wants_main(selection):
        chosen |= MAIN & set(groups)
    extras = choose_extras(selection, [*(pylock.extras or []), *(selection.groups if "default" in groups else ())])
    extras |= set(selection.groups) & set(pylock.extras or [])  # PDM asks for extras by `--group` too

    def decide(atom: str) -> bool | None:
        left, operator, right = split_atom(atom)
        names = {"extras": extras, "dependency_groups": chosen}.get(right)
        return None if names is None else (left.strip("\"'") in names) == (operator == "in")

    return decide


def _requirement(package: Package, condition: Condition, hashes: tuple[str, ...], source: Source) -> Requirement:
    try:
        url, index = _url(package), index_of(package.index) if package.index else ""
    except ValueError as error:
        raise MalformedError(f"a URL ({error})", str(package.index), source.line) from error
    return Requirement(
        name=package.name,
        specifier=f"=={package.version}" if package.version and not url else "",
        marker=render_condition(condition),
        url=url,
        index=index,
        hashes=hashes,
        editable=bool(package.directory and package.directory.editable),
        source=source,
    )


def _url(package: Package) -> str:
    if vcs := package.vcs:
        place = vcs.url or vcs.path or ""
        return git_url(place, vcs.commit_id, vcs.subdirectory or "") if vcs.type == "git" else canonical_url(place)
    if archive := package.archive:
        return canonical_url(archive.url) if archive.url else canonical_path(archive.path or "")
    return canonical_path(package.directory.path) if package.directory else ""
