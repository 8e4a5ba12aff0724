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
    from collections.abc import Callable, Iterator

_PLAIN: Final = re.compile(r"[^\s'\"\\$`;&|()<>]+")
_PLAIN_QUOTED: Final = re.compile(r"[^\"\\$`]+")
_VARIABLE: Final = re.compile(r"\$([A-Za-z_]\w*|[0-9@*#?$!-])", re.ASCII)
_WILDCARD: Final = re.compile(r"[*?]|\[[^\]]+\]")
_ENDS_WORD: Final = frozenset(" \t\r\n;&|()<>")


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


class Scanner:
    """Reads the words of a script from left to right; `escape` is the backquote for scripts of Windows."""

    def __init__(self, source: str, escape: str = "\\") -> None:
        self.source = source
        self.escape = escape
        self.at = 0

    def peek(self, length: int = 1) -> str:
        return self.source[self.at : self.at + length]

    def skip_blanks(self) -> None:
        """Spaces, escaped line ends and comments."""
        while True:
            char = self.peek()
            if char and char in " \t\r":
                self.at += 1
            elif char == self.escape and self.source[self.at + 1 : self.at + 2] in ("\n", "\r"):
                self.at += 3 if self.source.startswith("\r\n", self.at + 1) else 2
            elif char == "#":
                end = self.source.find("\n", self.at)
                self.at = len(self.source) if end < 0 else end
            else:
                return

    def word(self) -> Word:
        """Read one word. Raises ShellSyntaxError."""
        parts: list[Part] = []
        while (char := self.peek()) and (char not in _ENDS_WORD or self.peek(2) in ("<(", ">(")):
            parts.extend(self._parts(char))
        return Word(tuple(parts))

    def _parts(self, char: str) -> list[Part]:
        if char == '"':
            return self._double_quoted()
        if char == "'":
            return [Text(self._until("'"), quoted=True)]
        if char == "$":
            return [self._dollar(quoted=False)]
        if char in "<>":
            return [self._substitution(quoted=False)]
        if char == "`":
            return [self._backquoted(quoted=False)]
        if char == self.escape:
            following = self.source[self.at + 1 : self.at + 2]
            self.at += 2
            return [Text(following, quoted=True)] if following not in ("\n", "") else []
        return [self._plain(_PLAIN, quoted=False)]

    def _plain(self, pattern: re.Pattern[str], *, quoted: bool) -> Text:
        found = pattern.match(self.source, self.at)
        text = found.group() if found else self.peek()
        self.at += len(text)
        return Text(text, quoted)

    def _until(self, quote: str) -> str:
        end = self.source.find(quote, self.at + 1)
        if end < 0:
            raise ShellSyntaxError(f"missing closing {quote}")
        text = self.source[self.at + 1 : end]
        self.at = end + 1
        return text

    def _double_quoted(self) -> list[Part]:
        self.at += 1
        parts: list[Part] = [Text("", quoted=True)]
        while char := self.peek():
            if char == '"':
                self.at += 1
                return parts
            if char == self.escape:
                parts.append(self._escaped_in_quotes())
            elif char == "$":
                parts.append(self._dollar(quoted=True))
            elif char == "`":
                parts.append(self._backquoted(quoted=True))
            else:
                parts.append(self._plain(_PLAIN_QUOTED, quoted=True))
        raise ShellSyntaxError('missing closing "')

    def _escaped_in_quotes(self) -> Text:
        following = self.source[self.at + 1 : self.at + 2]
        self.at += 2
        if following == "\n":
            return Text("", quoted=True)
        return Text(following if following and following in '$`"\\' else self.escape + following, quoted=True)

    def _dollar(self, *, quoted: bool) -> Part:
        following = self.peek(3)[1:]
        if following[:1] == "(":
            return self._substitution(quoted=quoted)
        if following[:1] == "{":
            end = self._closing("{", "}", self.at + 1)
            return self._took(end, lambda source: Variable(source, quoted))
        if following[:1] == "'" and not quoted:
            self.at += 1
            return Text(self._ansi_c(), quoted=True)
        found = _VARIABLE.match(self.source, self.at)
        if found:
            return self._took(found.end(), lambda source: Variable(source, quoted))
        self.at += 1
        return Text("$", quoted)

    def _took(self, end: int, make: Callable[[str], Part]) -> Part:
        source = self.source[self.at : end]
        self.at = end
        return make(source)

    def _ansi_c(self) -> str:
        found = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL).match(self.source, self.at)
        if found is None:
            raise ShellSyntaxError("missing closing '")
        self.at = found.end()
        simple = {"n": "\n", "t": "\t", "r": "\r"}
        return re.sub(r"\\(.)", lambda escape: simple.get(escape.group(1), escape.group(1)), found.group(1))

    def _substitution(self, *, quoted: bool) -> Part:
        if self.peek(3) == "$((":
            end = self._closing("(", ")", self.at + 1)
            return self._took(end, lambda source: Variable(source, quoted))
        end = self._closing("(", ")", self.at + 1)
        return self._took(end, lambda source: Substitution(source, source[2:-1], quoted))

    def _backquoted(self, *, quoted: bool) -> Part:
        found = re.compile(r"`((?:[^`\\]|\\.)*)`", re.DOTALL).match(self.source, self.at)
        if found is None:
            raise ShellSyntaxError("missing closing `")
        script = re.sub(r"\\([`$\\])", r"\1", found.group(1))
        return self._took(found.end(), lambda source: Substitution(source, script, quoted))

    def _closing(self, opening: str, closing: str, start: int) -> int:
        """Where the bracket that opens at `start` is closed again, quotes and escapes left out; the place after it."""
        depth, at = 0, start
        while at < len(self.source):
            char = self.source[at]
            if char == self.escape:
                at += 1
            elif char == "'" and opening == "(":
                at = self.source.find("'", at + 1)
                if at < 0:
                    break
            elif char == opening:
                depth += 1
            elif char == closing:
                depth -= 1
                if depth == 0:
                    return at + 1
            at += 1
        raise ShellSyntaxError(f"missing closing {closing}")
