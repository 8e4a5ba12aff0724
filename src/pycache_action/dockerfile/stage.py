"""A stage while it is read from top to bottom: variables, working directory, shell, and the layers so far."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from pycache_action.dockerfile.dockerignore import Ignore, compile_patterns
from pycache_action.dockerfile.expand import ExpansionError, Unknown
from pycache_action.dockerfile.instructions import Instruction, Mount, mounts_of
from pycache_action.dockerfile.layers import (
    CopyLayer,
    FromContext,
    FromElsewhere,
    FromStage,
    MountLayer,
    Supply,
    WrittenLayer,
)
from pycache_action.dockerfile.origins import Budget, Layer, Origin, View
from pycache_action.dockerfile.paths import PatternError, join

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from pycache_action.dockerfile.context import ContextFiles
    from pycache_action.dockerfile.variables import Variables

UNKNOWN_WORKDIR: Final = "${WORKDIR of the base image}"
DEFAULT_SHELL: Final = ("/bin/sh", "-c")

_REMOTE: Final = re.compile(r"https?://|git@|git://|ssh://")
_GIT: Final = re.compile(r"git@|git://|ssh://|https?://[^#?]+\.git(#|$)|https?://github\.com/[^/]+/[^/]+/?(#|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageConfig:
    """What a base image sets, for callers who have asked its registry: working directory and environment."""

    workdir: str = "/"
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all stages share. `find_stage` gives the finished view of an earlier stage by the name in `--from`."""

    context: ContextFiles
    build_args: Mapping[str, str]
    build_contexts: Collection[str]
    escape: str
    budget: Budget
    find_stage: Callable[[str], View | None]

    def supply(self, name: str) -> Supply:
        """Where `--from=name` takes its files; the build context if there is no name."""
        if not name:
            return FromContext(self.context)
        if name.lower() in self.build_contexts:
            return FromElsewhere(f"the build context {name!r}")
        view = self.find_stage(name)
        return FromStage(view) if view else FromElsewhere(f"{name!r}, which is no stage before this one")


@dataclass(slots=True, kw_only=True)
class StageState:
    """One stage up to some instruction; it moves on as instructions are applied."""

    index: int
    around: Surroundings
    variables: Variables
    base: View | None
    workdir: str = UNKNOWN_WORKDIR
    shell: tuple[str, ...] = DEFAULT_SHELL
    layers: list[Layer] = field(default_factory=list)
    memory: dict[str, tuple[int, Origin | None]] = field(default_factory=dict)

    def view(self, mounts: tuple[Layer, ...] = (), mounted_at: int = 0) -> View:
        return View(self.layers, len(self.layers), self.base, self.around.budget, mounts, mounted_at, self.memory)

    def expand(self, word: str) -> str:
        """The word with its variables replaced; as it is where BuildKit would fail."""
        try:
            return self.variables.expand(word).text
        except ExpansionError:
            return word

    def path(self, text: str) -> str:
        """An absolute path in the stage."""
        return join(self.workdir, self.native(text))

    def native(self, path: str) -> str:
        """A path of Windows, which only a file with the backquote as its escape has, with slashes and no drive."""
        if self.around.escape != "`":
            return path
        return re.sub(r"^[A-Za-z]:(?=/|$)", "", path.replace("\\", "/")) or "/"

    def apply(self, instruction: Instruction, outer: Mapping[str, str | Unknown]) -> None:
        """Every instruction but RUN."""
        try:
            match instruction.keyword:
                case "ENV":
                    self.variables.apply_env(instruction)
                case "ARG":
                    self.variables.apply_arg(instruction, self.around.build_args, outer)
                case "WORKDIR":
                    self.workdir = self.path(self.expand(instruction.args[0]))
                case "SHELL" if instruction.json and instruction.args:
                    self.shell = instruction.args
                case "COPY" | "ADD":
                    self.layers.extend(self._copied(instruction))
                case _:
                    pass
        except ExpansionError:
            pass  # BuildKit stops here with the reason; there is no image to be wrong about.

    def mounts(self, instruction: Instruction) -> tuple[Layer, ...]:
        """The mounts of a RUN, the deepest folder first."""
        found = [self._mounted(mount, instruction.line) for mount in mounts_of(instruction, self.expand)]
        return tuple(sorted(filter(None, found), key=lambda layer: len(layer.folder), reverse=True))

    def _mounted(self, mount: Mount, line: int) -> Layer | None:
        target = self.path(mount.target)
        if mount.type == "bind":
            return MountLayer(target, mount.source, self.around.supply(mount.origin))
        if mount.type == "secret":
            name = mount.id or posixpath.basename(mount.source or mount.target)
            target = target if mount.target else f"/run/secrets/{name}"
            return WrittenLayer(target, Origin(doubt=f"a build secret (line {line})"))
        if mount.type in ("cache", "tmpfs"):
            return WrittenLayer(target, Origin(doubt=f"in a {mount.type} mount (line {line})"), whole=True)
        return None

    def _copied(self, instruction: Instruction) -> list[Layer]:
        *sources, target = (self.expand(word) for word in instruction.args)
        into = len(sources) > 1 or target.endswith(("/", "\\")) or self.native(target).split("/")[-1] in ("", ".", "..")
        folder = self.path(target)
        documents = {f"<<{heredoc.name}" for heredoc in instruction.heredocs}
        layers: list[Layer] = []
        plain: list[str] = []
        for source in sources:
            if documents and re.sub(r"<<-?[\"']?([^\"']*)[\"']?", r"<<\1", source) in documents:
                doubt = f"written in the Dockerfile by line {instruction.line}"
                name = re.sub(r"<<-?|[\"']", "", source)
                layers.append(WrittenLayer(join(folder, name) if into else folder, Origin(doubt=doubt)))
            elif instruction.keyword == "ADD" and _REMOTE.match(source):
                layers.append(_downloaded(source, folder, into=into, line=instruction.line))
            else:
                plain.append(self.native(source))
        if plain:
            layers.append(self._copy_layer(instruction, plain, folder, into=into))
        return layers

    def _copy_layer(self, instruction: Instruction, sources: list[str], folder: str, *, into: bool) -> CopyLayer:
        try:
            exclude = compile_patterns(self.expand(value) for value in instruction.values_of("exclude"))
        except PatternError:
            exclude = Ignore()
        supply = self.around.supply(instruction.value_of("from"))
        return CopyLayer(
            line=instruction.line,
            sources=tuple(sources),
            target=folder,
            into=into,
            supply=supply,
            exclude=exclude,
            parents=instruction.value_of("parents") == "true",
            unpacks=instruction.keyword == "ADD" and instruction.value_of("unpack") != "false",
        )


def _downloaded(source: str, folder: str, *, into: bool, line: int) -> Layer:
    if _GIT.match(source):
        return WrittenLayer(folder, Origin(doubt=f"cloned by line {line}", certain=False), whole=True)
    try:
        name = posixpath.basename(urlsplit(source).path)
    except ValueError:
        name = ""
    return WrittenLayer(join(folder, name) if into and name else folder, Origin(doubt=f"downloaded by line {line}"))
