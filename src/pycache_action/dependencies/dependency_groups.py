"""Dependency groups that include one another (PEP 735): https://packaging.python.org/en/latest/specifications/dependency-groups/"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from pycache_action.dependencies.malformed import MalformedError
from pycache_action.dependencies.structure import array, string, table
from pycache_action.dependencies.toml_text import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pycache_action.dependencies.toml_text import Toml


def read_groups(toml: Toml) -> dict[str, list[object]]:
    """Return the groups of `[dependency-groups]` by canonical name."""
    groups: dict[str, list[object]] = {}
    for name, entries in table(toml.data.get("dependency-groups"), "dependency-groups").items():
        if canonicalize_name(name) in groups:
            raise MalformedError("each dependency group once", name, toml.line_of_key(name))
        groups[canonicalize_name(name)] = array(entries, f"dependency-groups.{name}", toml.line_of_key(name))
    return groups


def expand_groups(toml: Toml, chosen: set[str]) -> Iterator[tuple[str, str]]:
    """Yield the requirements of the chosen groups and of those they include: the group each stands in, and its text.

    Raises MalformedError for an entry of another kind, a group that does not exist, and groups in a circle.
    """
    groups = read_groups(toml)
    for name in sorted(chosen & groups.keys()):
        yield from _expand(toml, groups, name, ())


def _expand(
    toml: Toml, groups: dict[str, list[object]], name: str, including: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    line = toml.line_of_key(including[-1] if including else name)
    if name in including or len(including) > 30:
        raise MalformedError("groups that do not include one another in a circle", name, line)
    if name not in groups:
        raise MalformedError("the name of a dependency group", name, line)
    for entry in groups[name]:
        if isinstance(entry, str):
            yield name, string(entry, f"group {name}", line)
        elif isinstance(entry, dict) and set(entry) == {"include-group"}:
            included = string(entry["include-group"], "include-group", line)
            yield from _expand(toml, groups, canonicalize_name(included), (*including, name))
        else:
            raise MalformedError(f"requirements or include-group in the group {name}", kind_of(entry), line)
