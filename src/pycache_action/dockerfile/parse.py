"""Read a Dockerfile into stages and instructions, and say which stages a target needs.

The rules are BuildKit's:
https://github.com/moby/buildkit/tree/73ed6825c4b7569379ef89df0aedcdbe64473d31/frontend/dockerfile
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pycache_action.dockerfile.expand import ExpansionError, Unknown
from pycache_action.dockerfile.instructions import Instruction, mount_sources
from pycache_action.dockerfile.reader import read_directives, read_instructions
from pycache_action.dockerfile.variables import Variables, compute_outer_variables
from pycache_action.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_KEYWORDS: Final = frozenset(
    {"ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER"}
    | {"ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"}
)
_STAGE_NAME: Final = re.compile(r"[a-z][a-z0-9_.-]*")
_OFFICIAL_SYNTAX: Final = re.compile(r"(docker\.io/)?docker/dockerfile(-upstream)?([:@].*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One FROM and what follows it.

    `name` is in lower case and empty if there is none; `base` and `platform` are as written, `base_name` is `base` with
    its variables replaced (empty if that is not possible), `base_stage` the index of the stage it names, if it is one.
    """

    index: int
    name: str
    base: str
    base_name: str
    base_stage: int | None
    platform: str
    opening: Instruction
    instructions: tuple[Instruction, ...]

    @property
    def line(self) -> int:
        return self.opening.line

    @property
    def end_line(self) -> int:
        return self.instructions[-1].end_line if self.instructions else self.opening.end_line

    @property
    def label(self) -> str:
        """What BuildKit calls the stage in its progress."""
        return self.name or f"stage-{self.index}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dockerfile:
    """A whole file; `meta_args` are the ARGs before the first FROM, `directives` the parser directives by name.

    Stages that FROM names through a variable are known for the build arguments the file was resolved with (none, at
    first): see `resolved`.
    """

    name: str
    text: str
    directives: Mapping[str, str]
    escape: str
    meta_args: tuple[Instruction, ...]
    stages: tuple[Stage, ...]

    def resolved(self, build_args: Mapping[str, str], *, platform: str = "", target: str = "") -> Dockerfile:
        """The same file with every FROM read with these build arguments."""
        outer = self.outer_variables(build_args, platform=platform, target=target)
        variables = Variables(outer, others=None, escape=self.escape)
        by_name: dict[str, int] = {}
        stages = []
        for stage in self.stages:
            base = _expanded(stage.base, variables)
            stages.append(replace(stage, base_name=base, base_stage=by_name.get(base)))
            if stage.name:
                by_name[stage.name] = stage.index
        return replace(self, stages=tuple(stages))

    def outer_variables(
        self, build_args: Mapping[str, str], *, platform: str = "", target: str = ""
    ) -> dict[str, str | Unknown]:
        """What the variables in FROM hold, and a stage's ARG without a default."""
        return compute_outer_variables(
            self.meta_args, build_args, escape=self.escape, platform=platform, target=target or self.stages[-1].name
        )

    def target_stage(self, target: str = "") -> Stage:
        """The stage of this name or number; the last one if `target` is empty. Raises InputError."""
        if not target:
            return self.stages[-1]
        found = self.find_stage(target)
        if found is not None:
            return found
        names = [stage.name for stage in self.stages if stage.name]
        near = difflib.get_close_matches(target.lower(), names, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Its stages are: {', '.join(names) or 'none with a name'}."
        raise InputError(f"{self.name} has no stage {target!r}, which `target` asks for.", hint=hint)

    def find_stage(self, name: str) -> Stage | None:
        """The stage that `COPY --from` or a mount's `from` names; of two with one name, the last."""
        if name.isascii() and name.isdigit():
            return self.stages[int(name)] if len(name) < 6 and int(name) < len(self.stages) else None
        return next((stage for stage in reversed(self.stages) if stage.name == name.lower()), None)

    def all_instructions(self, stage: Stage) -> tuple[Instruction, ...]:
        """The stage's instructions, after those which an ONBUILD of its base stage puts first.

        BuildKit gives these the place of the FROM that set them off, and so does this.
        """
        if stage.base_stage is None:
            return stage.instructions
        held = [instruction.trigger for instruction in self.stages[stage.base_stage].instructions]
        place = stage.opening
        triggers = tuple(replace(each, line=place.line, end_line=place.end_line) for each in held if each)
        return triggers + stage.instructions

    def stages_needed(self, target: str = "") -> tuple[Stage, ...]:
        """The stages that building `target` runs, in the order of the file. Raises InputError."""
        waiting = [self.target_stage(target)]
        found: dict[int, Stage] = {}
        while waiting:
            stage = waiting.pop()
            if stage.index not in found:
                found[stage.index] = stage
                waiting.extend(self._needs(stage))
        return tuple(found[index] for index in sorted(found))

    def _needs(self, stage: Stage) -> Iterator[Stage]:
        if stage.base_stage is not None:
            yield self.stages[stage.base_stage]
        for instruction in self.all_instructions(stage):
            for source in _sources(instruction):
                needed = self.find_stage(source)
                if needed is not None:
                    yield needed
                elif source.isascii() and source.isdigit():
                    raise InputError(
                        f"{self.name}, line {instruction.line}: there is no stage {source}: {instruction.one_line}",
                        hint=f"Stages are counted from 0; this file has {len(self.stages)}.",
                    )


def find_dockerfile(context: Path, file: str = "") -> Path:
    """The Dockerfile of a build: `file`, or `Dockerfile` in the context, or `dockerfile` if only that is there.

    Raises InputError if it is not there or not a file.
    """
    path = Path(file) if file else context / "Dockerfile"
    if not file and not path.exists() and (context / "dockerfile").is_file():
        return context / "dockerfile"
    if path.is_file():
        return path
    if path.is_dir():
        raise InputError(f"{path} is a folder, not a Dockerfile.", hint=f"Name the file in it: {path / 'Dockerfile'}.")
    raise InputError(
        f"There is no Dockerfile at {path}.",
        hint="Give its path with `file`, or the folder it stands in with `context`.",
    )


def parse_dockerfile(text: str | bytes, name: str = "Dockerfile") -> Dockerfile:
    """Read a whole Dockerfile; `name` is what errors call it.

    Raises InputError, with the line and the text seen, for what BuildKit's parser refuses too. A file with a `# syntax`
    other than Docker's own may have instructions nobody here knows; they are kept as they are.
    """
    decoded = _decode(text, name)
    directives = read_directives(decoded)
    official = _OFFICIAL_SYNTAX.fullmatch(directives.get("syntax", "docker/dockerfile").split(" ")[0]) is not None
    instructions = read_instructions(decoded, name, _KEYWORDS)
    for instruction in instructions:
        _check(instruction, name, official=official)
    first = next((at for at, each in enumerate(instructions) if each.keyword == "FROM"), len(instructions))
    stray = next((each for each in instructions[:first] if each.keyword != "ARG"), None)
    if stray is not None or first == len(instructions):
        at = stray or instructions[-1]
        raise _error(name, at, "there is no FROM before this instruction" if stray else "there is no FROM in this file")
    return Dockerfile(
        name=name,
        text=decoded,
        directives=directives,
        escape=directives.get("escape", "\\"),
        meta_args=tuple(instructions[:first]),
        stages=tuple(_split_stages(instructions[first:])),
    ).resolved({})


def _decode(source: str | bytes, name: str) -> str:
    text = _decode_bytes(source, name) if isinstance(source, bytes) else source
    if not text.strip("\ufeff\t\v\f\r\n "):
        raise InputError(f"{name} is empty.", hint="Its first instruction is FROM, such as: FROM python:3.13-slim")
    bad = re.search("[\x00\ud800-\udfff]", text)
    if bad:
        line = text.count("\n", 0, bad.start()) + 1
        raise InputError(f"{name}, line {line}: the character {bad.group()!r} cannot stand in a Dockerfile.")
    return text


def _decode_bytes(source: bytes, name: str) -> str:
    if source.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{name} is UTF-16, which Docker cannot read.", hint="Save it as UTF-8.")
    try:
        return source.decode()
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        seen = source[error.start : error.end]
        raise InputError(f"{name}, line {line}: not UTF-8: {seen!r}.", hint="Save the file as UTF-8.") from None


def _check(instruction: Instruction, name: str, *, official: bool) -> None:
    keyword, count = instruction.keyword, len(instruction.args)
    if keyword not in _KEYWORDS:
        if official:
            near = difflib.get_close_matches(keyword, _KEYWORDS, n=1)
            raise _error(
                name, instruction, f"unknown instruction {keyword!r}", f"Did you mean {near[0]}?" if near else ""
            )
    elif keyword == "FROM":
        if count != 1 and (count != 3 or instruction.args[1].upper() != "AS"):
            raise _error(name, instruction, "FROM takes an image, or an image, AS and a name")
        if count == 3 and not _STAGE_NAME.fullmatch(instruction.args[2].lower()):
            raise _error(name, instruction, f"{instruction.args[2]!r} cannot be the name of a stage")
    elif keyword in ("COPY", "ADD") and count < 2:
        raise _error(name, instruction, f"{keyword} needs a source and a destination")
    elif keyword in ("ENV", "ARG", "LABEL", "WORKDIR", "USER") and count == 0:
        raise _error(name, instruction, f"{keyword} needs an argument")


def _error(name: str, instruction: Instruction, what: str, hint: str = "") -> InputError:
    seen = instruction.one_line
    seen = seen if len(seen) <= 120 else f"{seen[:120]}..."
    return InputError(f"{name}, line {instruction.line}: {what}: {seen}", hint=hint)


def _split_stages(instructions: Iterable[Instruction]) -> Iterator[Stage]:
    opened: list[tuple[Instruction, list[Instruction]]] = []
    for instruction in instructions:
        if instruction.keyword == "FROM":
            opened.append((instruction, []))
        else:
            opened[-1][1].append(instruction)
    for index, (opening, inside) in enumerate(opened):
        yield Stage(
            index=index,
            name=opening.args[2].lower() if len(opening.args) == 3 else "",
            base=opening.args[0],
            base_name="",
            base_stage=None,
            platform=opening.value_of("platform"),
            opening=opening,
            instructions=tuple(inside),
        )


def _expanded(base: str, variables: Variables) -> str:
    try:
        expanded = variables.expand(base)
    except ExpansionError:
        return ""
    return "" if expanded.unknown else expanded.text


def _sources(instruction: Instruction) -> Iterator[str]:
    if instruction.keyword in ("COPY", "ADD"):
        yield from filter(None, instruction.values_of("from"))
    elif instruction.keyword == "RUN":
        yield from mount_sources(instruction)
