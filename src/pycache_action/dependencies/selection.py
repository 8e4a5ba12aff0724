"""Which part of a project's dependencies an install command asks for, and what that means to each tool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable

# What the tools call a project's own dependencies: uv and pip nothing, poetry main, pdm default, pipenv packages.
MAIN = frozenset({"main", "default", "packages"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which part of a project's dependencies an install command asks for.

    `groups` are added to the project's default groups, `without` taken away; `only` leaves nothing but the groups it
    names. `main` stands for the project's own dependencies. Names are those of the command line, in any spelling.
    `packages` are members of a uv workspace, by name or, with a leading `./`, by folder relative to the lock file;
    without them (and without `all_packages`) it is the project beside the lock file.
    """

    extras: tuple[str, ...] = ()
    all_extras: bool = False
    groups: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    all_groups: bool = False
    main: bool = True
    default_groups: bool = True
    packages: tuple[str, ...] = ()
    all_packages: bool = False

    def __post_init__(self) -> None:
        for name in ("extras", "groups", "without", "only"):
            object.__setattr__(self, name, tuple(sorted({canonicalize_name(one) for one in getattr(self, name)})))
        packages = {one if one.startswith("./") else canonicalize_name(one) for one in self.packages}
        object.__setattr__(self, "packages", tuple(sorted(packages)))

    def __str__(self) -> str:
        extras = ("all extras",) if self.all_extras else tuple(f"extra {name}" for name in self.extras)
        groups = ("all groups",) if self.all_groups else tuple(f"group {name}" for name in self.groups)
        without = tuple(f"without {name}" for name in self.without)
        only = tuple(f"only {name}" for name in self.only)
        main = () if self.main else ("without the project's own",)
        default = () if self.default_groups else ("without default groups",)
        packages = ("all packages",) if self.all_packages else tuple(f"package {name}" for name in self.packages)
        return ", ".join((*packages, *extras, *groups, *without, *only, *main, *default))


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
