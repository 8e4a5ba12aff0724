"""What one command of an installer asks for, before anyone looked where its files come from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pycache_action.dependencies.model import Role, Selection
from pycache_action.dockerfile.shell.words import Value

Tool: TypeAlias = Literal["pip", "uv-pip", "uv", "poetry", "pdm", "pipenv"]
Kind: TypeAlias = Literal["install", "wheels", "export"]
Environment: TypeAlias = Callable[[str], str]
"""The value of an environment variable where the command runs; empty if it is not set or not known."""

_EXTRAS = re.compile(r"(.*?)\s*\[([^\[\]]*)\]\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A file the command reads, and the part of it that is asked for."""

    path: Value
    role: Role = "requirements"
    selection: Selection = field(default_factory=Selection)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectWish:
    """The project file and lock file of a tool that looks for them in `folder` and then in the folders above it."""

    folder: Value
    project: str
    lock: str
    selection: Selection = field(default_factory=Selection)


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """A path that is installed: `.`, `-e .[dev]`, a wheel."""

    path: Value
    extras: tuple[str, ...] = ()
    editable: bool = False

    def __str__(self) -> str:
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        return f"{'-e ' if self.editable else ''}{self.path.text}{extras}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One command: what it installs (`install`), builds or downloads into a folder (`wheels`) or writes (`export`).

    `output` is the file or (`whole`) folder it writes; an export without one writes to its standard output. `exact`
    says that what an export writes follows from the files it reads alone. `stdin` says that requirements come in that way.
    `notes` are what could not be understood, a sentence each.
    """

    tool: Tool
    kind: Kind = "install"
    files: tuple[Wish, ...] = ()
    projects: tuple[ProjectWish, ...] = ()
    named: tuple[str, ...] = ()
    local: tuple[Local, ...] = ()
    output: Value | None = None
    whole: bool = False
    exact: bool = True
    stdin: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OptionTable:
    """The options of one program: those with a value and those without, each spelling with its one name."""

    valued: dict[str, str]
    flags: dict[str, str]
    abbreviations: bool = False

    def find(self, name: str) -> tuple[str, bool] | None:
        """The one name of an option and whether it takes a value."""
        if name in self.valued:
            return self.valued[name], True
        if name in self.flags:
            return self.flags[name], False
        if self.abbreviations and name.startswith("--"):
            near = {(full, True) for long, full in self.valued.items() if long.startswith(name)}
            near |= {(full, False) for long, full in self.flags.items() if long.startswith(name)}
            return near.pop() if len(near) == 1 else None
        return None


def option_table(valued: str, flags: str, *, abbreviations: bool = False) -> OptionTable:
    """A table from its text: options between spaces, spellings of one option between bars, its name last."""
    return OptionTable(_spellings(valued), _spellings(flags), abbreviations)


def _spellings(text: str) -> dict[str, str]:
    return {spelling: group.split("|")[-1] for group in text.split() for spelling in group.split("|")}


@dataclass(slots=True)
class Options:
    """The words of a command, sorted."""

    given: list[tuple[str, Value]] = field(default_factory=list)
    rest: list[Value] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def values(self, *names: str) -> list[Value]:
        return [value for name, value in self.given if name in names]

    def value(self, name: str) -> Value | None:
        return next(iter(self.values(name)[-1:]), None)

    def names(self, *options: str) -> tuple[str, ...]:
        """The names in the values of options that take several, with commas or spaces between them.

        A value that is not known is noted.
        """
        self.notes.extend(f"{value.text}: {why}" for value in self.values(*options) if (why := value.why_unknown))
        return tuple(name for value in self.values(*options) for name in re.split(r"[,\s]+", value.text) if name)

    def has(self, *names: str) -> bool:
        return any(name in names for name, _ in self.given)


def read_options(words: Sequence[Value], table: OptionTable) -> Options:
    """Sort the words after a program into options and the rest. An option nobody knows is noted if it matters."""
    options = Options()
    waiting = list(reversed(words))
    while waiting:
        word = waiting.pop()
        if word.text == "--":
            options.rest.extend(reversed(waiting))
            break
        if not word.text.startswith("-") or word.text == "-":
            options.rest.append(word)
            if (why := word.why_unknown) and word.is_one_unknown:
                options.notes.append(f"{word.text}: {why}")
        elif word.text.startswith("--"):
            _long(word, waiting, table, options)
        else:
            _short(word, waiting, table, options)
    return options


def _long(word: Value, waiting: list[Value], table: OptionTable, options: Options) -> None:
    name, equals, text = word.text.partition("=")
    found = table.find(name)
    if equals:
        options.given.append((found[0] if found else name, _part(word, text)))
    elif found is None:
        options.given.append((name, Value("")))
        if waiting and not waiting[-1].text.startswith("-"):
            options.notes.append(f"the option {name} is not known, so the word after it may be its value")
    elif found[1]:
        options.given.append((found[0], waiting.pop() if waiting else Value("")))
    else:
        options.given.append((found[0], Value("")))


def _short(word: Value, waiting: list[Value], table: OptionTable, options: Options) -> None:
    """`-r x`, `-rx`, and flags in one word: `-qUr x`."""
    for at in range(1, len(word.text)):
        found = table.find(f"-{word.text[at]}")
        if found is None or not found[1]:
            options.given.append((found[0] if found else f"-{word.text[at]}", Value("")))
            continue
        text = word.text[at + 1 :]
        if text:
            options.given.append((found[0], _part(word, text)))
        else:
            options.given.append((found[0], waiting.pop() if waiting else Value("")))
        return


def _part(word: Value, text: str) -> Value:
    return Value(text, word.unknown, word.substitutions, word.wildcard)


def split_extras(word: Value) -> tuple[Value, tuple[str, ...]]:
    """`.[dev,web]` as path and extras."""
    found = _EXTRAS.fullmatch(word.text)
    if found is None:
        return word, ()
    path = Value(found.group(1), word.unknown, word.substitutions, wildcard=bool(re.search(r"[*?]", found.group(1))))
    return path, tuple(extra.strip() for extra in found.group(2).split(",") if extra.strip())


def wishes(values: Iterable[Value], role: Role = "requirements") -> tuple[Wish, ...]:
    return tuple(Wish(path=value, role=role) for value in values)
