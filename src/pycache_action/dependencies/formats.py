"""What a format's module gives back. A format is a function from bytes to `Parsed`; the graph is walked in `read`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pycache_action.dependencies.model import Problem, Requirement, Role, Selection


@dataclass(frozen=True, slots=True)
class Include:
    """Another file that this one brings in; `path` is as written, relative to the including file's folder."""

    path: str
    role: Role
    line: int


@dataclass(frozen=True, slots=True)
class Option:
    """An index or build option in its canonical text. Within one `family` the order counts, between two it does not."""

    family: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A file's meaning. `directives` stand in the order of the file: an included file's options come in its place."""

    requirements: tuple[Requirement, ...] = ()
    directives: tuple[Option | Include, ...] = ()
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to make of a file: its path for messages, the part asked for, and how to read a file beside it."""

    path: str
    selection: Selection
    read_beside: Callable[[str], bytes | None]


Parser: TypeAlias = Callable[[bytes, Asked], Parsed]


def canonical_options(options: Iterable[Option]) -> tuple[str, ...]:
    """Return the options family by family: in order where the order counts, without repetitions."""
    families: dict[str, list[str]] = {}
    for option in options:
        family = families.setdefault(option.family, [])
        if not family or family[-1] != option.text:
            family.append(option.text)
    families[UNORDERED] = sorted(set(families.get(UNORDERED, ())))
    return tuple(text for _, family in sorted(families.items()) for text in family)


UNORDERED = "~"
