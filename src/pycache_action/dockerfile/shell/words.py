"""The words of a shell script: quotes, escapes, variables and substitutions, as POSIX sh and bash read them.

A word is kept in parts, because what may become of it depends on how it was quoted: an unquoted variable falls into
several words, a quoted wildcard is none. Nothing is run; what only the shell could know is said to be unknown.

https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from pycache_action.dockerfile.expand import ExpansionError, Lookup, expand

if TYPE_CHECKING:
    from collections.abc import Iterator

_WILDCARD: Final = re.compile(r"[*?]|\[[^\]]+\]")
_ONE_VARIABLE: Final = re.compile(r"\$\{[^{}]*\}|\$\(\(.*")


class ShellSyntaxError(ValueError):
    """The script cannot be read as sh or bash."""


@dataclass(frozen=True, slots=True)
class Text:
    text: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class Variable:
    """`$X`, `${X}`, `${X:-y}`; `source` as written. `$((...))` is one too, of which nobody knows the value."""

    source: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class Substitution:
    """`$(script)`, backquotes, or `<(script)`."""

    source: str
    script: str
    quoted: bool


Part: TypeAlias = Text | Variable | Substitution


@dataclass(frozen=True, slots=True)
class Word:
    parts: tuple[Part, ...]

    @property
    def keyword(self) -> str:
        """The word if it is plain, unquoted text (as a reserved word must be), else nothing."""
        if len(self.parts) == 1 and isinstance(self.parts[0], Text) and not self.parts[0].quoted:
            return self.parts[0].text
        return ""


@dataclass(frozen=True, slots=True)
class Value:
    """What a word is when the command runs, as far as can be known.

    `unknown` are the variables left in `text` as `${NAME}`; `substitutions` the scripts whose output stands in it (in
    `text` as written); `wildcard` says that the shell would look for files of this name.
    """

    text: str
    unknown: frozenset[str] = frozenset()
    substitutions: tuple[str, ...] = ()
    wildcard: bool = False

    @property
    def known(self) -> bool:
        return not self.unknown and not self.substitutions

    @property
    def is_one_unknown(self) -> bool:
        """Whether nothing of the word is known, so that it could be an option, several words, or nothing."""
        return bool(self.substitutions) or _ONE_VARIABLE.fullmatch(self.text) is not None

    @property
    def why_unknown(self) -> str:
        """Why it is not known, for people; empty if it is."""
        if self.substitutions:
            return "what it stands for is known only when it runs"
        names = ", ".join(f"${name}" for name in sorted(self.unknown))
        return f"the value of {names} is not known" if names else ""


def evaluate(word: Word, lookup: Lookup) -> tuple[Value, ...]:
    """The words that a word becomes: none for an empty variable, several for one with spaces in it."""
    if len(word.parts) == 1 and isinstance(word.parts[0], Text) and not word.parts[0].text.startswith("~"):
        only = word.parts[0]
        return (Value(only.text, wildcard=not only.quoted and _has_wildcard(only.text)),)
    pieces: list[list[_Piece]] = [[]]
    for part in word.parts:
        for at, piece in enumerate(_evaluate_part(part, lookup)):
            if at:
                pieces.append([])
            pieces[-1].append(piece)
    if word.parts and isinstance(word.parts[0], Text):
        _expand_tilde(word.parts[0], pieces[0], lookup)
    return tuple(_joined(group) for group in pieces if any(piece.stands for piece in group))


@dataclass(slots=True)
class _Piece:
    value: Value
    stands: bool  # even if it is empty


def _has_wildcard(text: str) -> bool:
    return _WILDCARD.search(text) is not None


def _evaluate_part(part: Part, lookup: Lookup) -> Iterator[_Piece]:
    if isinstance(part, Text):
        yield _Piece(Value(part.text, wildcard=not part.quoted and _has_wildcard(part.text)), stands=True)
    elif isinstance(part, Substitution):
        yield _Piece(Value(part.source, substitutions=(part.script,)), stands=True)
    else:
        try:
            if part.source.startswith("$(("):
                raise ExpansionError("arithmetic")
            expanded = expand(part.source, lookup)
        except ExpansionError:
            yield _Piece(Value(part.source, unknown=frozenset({part.source.strip("${}")})), stands=True)
            return
        if part.quoted or expanded.unknown or not re.search(r"\s", expanded.text):
            yield _Piece(Value(expanded.text, expanded.unknown), stands=part.quoted or bool(expanded.text))
            return
        fields = expanded.text.split()
        if expanded.text[:1].isspace():
            yield _Piece(Value(""), stands=False)
        for field in fields:
            yield _Piece(Value(field, wildcard=_has_wildcard(field)), stands=True)
        if expanded.text[-1:].isspace():
            yield _Piece(Value(""), stands=False)


def _expand_tilde(first: Text, group: list[_Piece], lookup: Lookup) -> None:
    if group and not first.quoted and re.match(r"~(/|$)", first.text):
        home = expand("${HOME}", lookup)
        group[0].value = Value(home.text + first.text[1:], home.unknown, wildcard=group[0].value.wildcard)


def _joined(group: list[_Piece]) -> Value:
    if len(group) == 1:
        return group[0].value
    values = [piece.value for piece in group]
    return Value(
        "".join(value.text for value in values),
        frozenset().union(*(value.unknown for value in values)),
        tuple(script for value in values for script in value.substitutions),
        any(value.wildcard for value in values),
    )
