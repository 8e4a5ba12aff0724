"""Where a file in a stage comes from: which file of the build context it is a copy of, or what made it.

A stage is seen as layers, one for each COPY, ADD or command that writes a file. Asked for a path, each layer from the
newest back says whether it put that path there. Nothing is read or copied, and a folder copied whole is not listed: a
layer only says from where the path would have come.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Protocol

from pycache_action.dockerfile.paths import (
    join,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pycache_action.dependencies.read import WantedFile

_DEEPEST: Final = 100
_MOST_QUESTIONS: Final = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a path comes from: a file of the context (`path`), or what a tool made it from (`wanted`).

    `doubt` is why its content may be something else, or cannot be known. If not `certain`, an older layer that is
    certain knows better.
    """

    path: str = ""
    wanted: tuple[WantedFile, ...] = ()
    doubt: str = ""
    certain: bool = True


_TOO_DEEP: Final = Origin(doubt="it is copied through too many stages", certain=False)
_TOO_MUCH: Final = Origin(doubt="the Dockerfile is too tangled to follow it", certain=False)


class Budget:
    """How much looking one Dockerfile may cause; stages that copy from each other could ask for ever."""

    def __init__(self) -> None:
        self.left = _MOST_QUESTIONS

    def spend(self) -> bool:
        self.left -= 1
        return self.left > 0


class Layer(Protocol):
    """Something that put files into a stage."""

    def find(self, path: str, depth: int) -> Origin | None: ...

    @property
    def folder(self) -> str:
        """Where it put them, or nothing; for a guess where a path of unknown beginning may lie."""
        ...


@dataclass(frozen=True, slots=True)
class View:
    """A stage as one of its instructions sees it: the first `count` of its layers, on those of its base stage.

    The mounts of a RUN lie over all layers but those the RUN makes itself, which begin at `mounted_at`. `memory` is
    shared by the views of a stage: what was found for a path, and among how many layers.
    """

    layers: Sequence[Layer]
    count: int
    base: View | None
    budget: Budget
    mounts: tuple[Layer, ...] = ()
    mounted_at: int = 0
    memory: dict[str, tuple[int, Origin | None]] = field(default_factory=dict, compare=False, repr=False)

    def find(self, path: str, depth: int = 0) -> Origin | None:
        """What put `path` there; None if nothing did."""
        if depth > _DEEPEST:
            return _TOO_DEEP
        guess: Origin | None = None
        view: View | None = self
        while view is not None:
            found = view._find_here(path, depth)
            if found is not None and found.certain:
                return found
            guess = guess or found
            view = view.base
        return guess

    def _find_here(self, path: str, depth: int) -> Origin | None:
        """As `find`, without the base stage."""
        if self.mounts:
            found = self._search((*reversed(self.layers[self.mounted_at : self.count]), *self.mounts), path, depth)
            if found is not None and found.certain:
                return found
            return replace(self, count=self.mounted_at, mounts=())._find_here(path, depth) or found
        known, remembered = self.memory.get(path, (0, None))
        if known > self.count:
            known, remembered = 0, None
        found = self._search(reversed(self.layers[known : self.count]), path, depth)
        if found is None or (remembered is not None and remembered.certain and not found.certain):
            found = remembered
        if found not in (_TOO_DEEP, _TOO_MUCH):
            self.memory[path] = (self.count, found)
        return found

    def _search(self, layers: Iterable[Layer], path: str, depth: int) -> Origin | None:
        guess: Origin | None = None
        for layer in layers:
            if not self.budget.spend():
                return _TOO_MUCH
            found = layer.find(path, depth)
            if found is not None and found.certain:
                return found
            guess = guess or found
        return guess

    def find_elsewhere(self, path: str) -> Origin | None:
        """The file that `path` must be if some folder's place is not known, and only one file fits."""
        tail = re.sub(r"^(\$\{[^}]*\}|/)?/*", "", path)
        unknown = path.startswith("${")
        found: dict[str, Origin] = {}
        for folder in dict.fromkeys(layer.folder for layer in self.all_layers()):
            if unknown or folder.startswith("${"):
                origin = self.find(join(folder, tail))
                if origin is not None and origin.certain and origin.path:
                    found.setdefault(origin.path, origin)
        return next(iter(found.values())) if len(found) == 1 else None

    def all_layers(self) -> Iterator[Layer]:
        view: View | None = self
        while view is not None:
            yield from reversed(view.layers[: view.count])
            yield from view.mounts
            view = view.base
