"""The dependencies that a project declares in Poetry's own tables.

https://python-poetry.org/docs/pyproject/ and https://python-poetry.org/docs/managing-dependencies/
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from pycache_action.dependencies.conditions import canonical_marker
from pycache_action.dependencies.locations import canonical_index, canonical_path, canonical_url, git_url
from pycache_action.dependencies.malformed import MalformedError
from pycache_action.dependencies.model import Requirement, Source
from pycache_action.dependencies.poetry_constraints import parse_constraint
from pycache_action.dependencies.requirement import canonical_names
from pycache_action.dependencies.structure import array, at, string, strings, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pycache_action.dependencies.toml_text import Toml


def poetry_groups(toml: Toml) -> dict[str, dict[str, object]]:
    """Return the tables of the groups, by canonical name; `dev-dependencies` of old is the group `dev`."""
    poetry = at(toml.data, "tool", "poetry")
    groups = {name: table(one, f"tool.poetry.group.{name}") for name, one in at(poetry, "group").items()}
    if "dev-dependencies" in poetry and "dev" not in groups:
        groups["dev"] = {"dependencies": poetry["dev-dependencies"]}
    return {canonicalize_name(name): one for name, one in groups.items()}


def optional_groups(toml: Toml) -> set[str]:
    return {name for name, one in poetry_groups(toml).items() if one.get("optional") is True}


def poetry_extras(toml: Toml) -> dict[str, set[str]]:
    """Return the names of the optional dependencies that each extra of `tool.poetry.extras` brings."""
    extras = at(toml.data, "tool", "poetry", "extras")
    return {canonicalize_name(name): set(canonical_names(strings(one, "extras"))) for name, one in extras.items()}


def main_requirements(toml: Toml, path: str, extras: set[str]) -> Iterator[Requirement]:
    """Yield the project's own dependencies, the optional ones where one of `extras` brings them."""
    wanted = {name for extra, names in poetry_extras(toml).items() if extra in extras for name in names}
    declared = at(toml.data, "tool", "poetry", "dependencies")
    for name, value in declared.items():
        if canonicalize_name(name) == "python":
            continue
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict) and one.get("optional") is True and canonicalize_name(name) not in wanted:
                continue
            yield from _requirements(toml, name, one, Source(path, toml.line_of_key(name)))


def group_requirements(toml: Toml, path: str, chosen: set[str]) -> Iterator[Requirement]:
    """Yield the dependencies of the chosen groups and of the groups they include."""
    groups = poetry_groups(toml)
    waiting, done = sorted(chosen), set()
    while waiting:
        group = waiting.pop()
        if group in done or group not in groups:
            continue
        done.add(group)
        waiting += canonical_names(strings(groups[group].get("include-groups"), "include-groups"))
        for name, value in table(groups[group].get("dependencies"), f"group {group}").items():
            for one in value if isinstance(value, list) else [value]:
                yield from _requirements(toml, name, one, Source(path, toml.line_of_key(name)))


def _requirements(toml: Toml, name: str, value: object, source: Source) -> Iterator[Requirement]:
    """Read one dependency; of a constraint with alternatives, one requirement for each."""
    line = source.line
    if isinstance(value, str):
        value = {"version": value}
    given = table(value, name, line)
    markers = [
        string(given.get("markers"), "markers", line),
        _python_marker(given, line),
        _platform_marker(given, line),
    ]
    requirement = Requirement(
        name=canonicalize_name(name),
        extras=canonical_names(strings(given.get("extras"), "extras", line)),
        marker=canonical_marker(" and ".join(f"({marker})" for marker in markers if marker)),
        url=_url(given, line),
        index=_index(toml, string(given.get("source"), "source", line)),
        options=("--pre",) if given.get("allow-prereleases") is True else (),
        editable=given.get("develop") is True,
        source=source,
    )
    for specifier in parse_constraint(string(given.get("version"), "version", line) or "*"):
        yield replace(requirement, specifier=specifier)


def _python_marker(given: dict[str, object], line: int) -> str:
    constraint = string(given.get("python"), "python", line)
    if not constraint:
        return ""
    alternatives = []
    for specifier in parse_constraint(constraint):
        clauses = [clause for clause in specifier.split(",") if clause]
        operators = [clause[: 2 if clause[1] == "=" else 1] for clause in clauses]
        alternatives.append(
            " and ".join(
                f'python_full_version {operator} "{clause.removeprefix(operator)}"'
                for operator, clause in zip(operators, clauses, strict=True)
            )
        )
    return "" if "" in alternatives else " or ".join(f"({one})" for one in alternatives)


def _platform_marker(given: dict[str, object], line: int) -> str:
    platform = string(given.get("platform"), "platform", line)
    return f'sys_platform == "{platform}"' if platform else ""


def _url(given: dict[str, object], line: int) -> str:
    git, url = string(given.get("git"), "git", line), string(given.get("url"), "url", line)
    try:
        if git:
            reference = next((string(given[one], one, line) for one in ("rev", "tag", "branch") if one in given), "")
            return git_url(git, reference, string(given.get("subdirectory"), "subdirectory", line))
        if url:
            return canonical_url(url)
    except ValueError as error:
        raise MalformedError(f"a URL ({error})", git or url, line) from error
    path = string(given.get("path"), "path", line) or string(given.get("file"), "file", line)
    return canonical_path(path) if path else ""


def _index(toml: Toml, name: str) -> str:
    """Return the URL of a source by its name."""
    for entry in array(at(toml.data, "tool", "poetry").get("source"), "tool.poetry.source"):
        source = table(entry, "tool.poetry.source")
        if name and source.get("name") == name:
            return read_index(string(source.get("url"), "url"))
    return name


def read_index(url: str) -> str:
    try:
        return canonical_index(url)
    except ValueError as error:
        raise MalformedError(f"the URL of an index ({error})", url) from error
