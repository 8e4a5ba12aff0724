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


def choose_like_pdm(selection: Selection, groups: Iterable[str], extras: Iterable[str]) -> set[str]:
    """Return the groups and extras that PDM means: to it both are groups, asked for in one way.

    With no option it installs all of them; naming a group leaves the other groups away, naming an extra does not.
    https://github.com/pdm-project/pdm/blob/2.26.0/src/pdm/cli/filters.py
    """
    development: set[str] = {canonicalize_name(name) for name in groups}
    optional: set[str] = {canonicalize_name(name) for name in extras}
    if selection.only:
        return (development | optional) & set(selection.only)
    named = set(selection.groups) | set(selection.extras)
    whole = selection.all_groups or selection.all_extras
    is_unset = selection.main and selection.default_groups and not named
    chosen = named & (development | optional)
    if selection.default_groups and not named & development:
        chosen |= development
    if whole or is_unset:
        chosen |= optional
    return chosen - set(selection.without)
