"""One instruction of a Dockerfile, as BuildKit's parser reads it."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FOLD = re.compile(r"\s+")
_USER = re.compile(r"(://)(?!git@)[^/\s@]+@")


def without_passwords(text: str) -> str:
    """The text with users, passwords and tokens in addresses (`https://token@host`) as stars."""
    return _USER.sub(r"\1***@", text)


@dataclass(frozen=True, slots=True)
class Heredoc:
    """A document written below its instruction; `content` has no leading tabs if it was opened by `<<-`.

    `expand` says whether variables in it are replaced (its name is not quoted). Only COPY and ADD do that: a RUN hands
    the document to the shell as it is.
    """

    name: str
    content: str
    expand: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction with its place and its parts, before variables are replaced.

    `original` is the text as it stands in the file, from the first line to the last, heredocs and comments between
    included. `joined` is what the parser makes of it: one line, without comments. `args` are the words after the flags;
    an instruction in shell form (RUN, CMD, WORKDIR and so on) has one: the whole text. ENV has name and value in turn.
    ONBUILD has the instruction it holds back in `trigger`.
    """

    line: int
    end_line: int
    keyword: str
    original: str
    joined: str
    flags: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    json: bool = False
    heredocs: tuple[Heredoc, ...] = ()
    trigger: Instruction | None = None

    @property
    def one_line(self) -> str:
        """The instruction for people: one line, spaces folded, no passwords in addresses."""
        return without_passwords(_FOLD.sub(" ", self.joined).strip())

    def values_of(self, flag: str) -> tuple[str, ...]:
        """Every value given to `--flag=value`, in order; a bare `--flag` has the value ``true``."""
        found = []
        for text in self.flags:
            name, equals, value = text.partition("=")
            if name == f"--{flag}":
                found.append(value if equals else "true")
        return tuple(found)

    def value_of(self, flag: str) -> str:
        """The value of a flag that may stand once, or nothing."""
        values = self.values_of(flag)
        return values[-1] if values else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One `--mount` of a RUN. An empty `source` is the whole of `origin`; an empty `origin` is the build context.

    https://docs.docker.com/reference/dockerfile/#run---mount
    """

    type: str
    origin: str
    source: str
    target: str
    id: str


def mount_sources(instruction: Instruction) -> Iterator[str]:
    """The names that the mounts of a RUN have in `from`; BuildKit does not expand variables there."""
    for fields in _mount_fields(instruction):
        if fields.get("from"):
            yield fields["from"]


def mounts_of(instruction: Instruction, expand: Callable[[str], str]) -> Iterator[Mount]:
    """The mounts of a RUN in their order, with variables replaced by `expand`."""
    for fields in _mount_fields(instruction):
        known = {key: value if key == "from" else expand(value) for key, value in fields.items()}
        yield Mount(
            type=known.get("type", "bind").lower(),
            origin=known.get("from", ""),
            source=known.get("source", known.get("src", "")),
            target=known.get("target", known.get("dst", known.get("destination", ""))),
            id=known.get("id", ""),
        )


def _mount_fields(instruction: Instruction) -> Iterator[dict[str, str]]:
    for value in instruction.values_of("mount"):
        try:
            row = next(csv.reader([value], strict=True), [])
        except csv.Error:
            continue
        fields = {}
        for field in row:
            key, equals, text = field.partition("=")
            fields[key.lower()] = text if equals else "true"
        yield fields
