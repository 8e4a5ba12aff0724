"""Which groups and extras an install command means, out of those that a project has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pycache_action.dependencies.model import Selection

# What the tools call a project's own dependencies: uv and pip nothing, poetry main, pdm default, pipenv packages.
MAIN = frozenset({"main", "default", "packages"})


def wants_main(selection: Selection) -> bool:
    """Whether the project's own dependencies are asked for."""
    if selection.only:
        return bool(MAIN & set(selection.only))
    return selection.main and not MAIN & set(selection.without)


def choose_groups(selection: Selection, available: Iterable[str], default: Iterable[str]) -> set[str]:
    """Return the canonical names of the available groups that are asked for; `default` are the project's own choice."""
    names: set[str] = {canonicalize_name(name) for name in available}
    if selection.only:
        return names & set(selection.only)
    chosen: set[str] = {canonicalize_name(name) for name in default} if selection.default_groups else set()
    if selection.all_groups:
        chosen |= names
    return names & (chosen | set(selection.groups)) - set(selection.without)


def choose_extras(selection: Selection, available: Iterable[str]) -> set[str]:
    """Return the canonical names of the available extras that are asked for."""
    names: set[str] = {canonicalize_name(name) for name in available}
    return names if selection.all_extras else names & set(selection.extras)
