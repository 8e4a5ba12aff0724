"""Replace variables in a word of a Dockerfile, exactly as BuildKit does.

The rules are those of BuildKit's shell lexer, which is close to a shell's but not the same:
https://github.com/moby/buildkit/blob/73ed6825c4b7569379ef89df0aedcdbe64473d31/frontend/dockerfile/shell/lex.go

One thing is added: a variable of which nobody here can know the value, since only the base image could have set it. It
is left in the text as `${NAME}`, so that two paths which use it can still be seen to be the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal

_DEEPEST: Final = 50
_MOST_STARS: Final = 4  # a pattern with more could keep the regular expression busy for ever
_SPECIAL: Final = frozenset("@*#?-$!0")


class ExpansionError(ValueError):
    """The word cannot be expanded; BuildKit refuses it too."""


class _Unknown(Enum):
    UNKNOWN = "unknown"


UNKNOWN: Final = _Unknown.UNKNOWN
"""The value of a variable that the base image may or may not set."""

Unknown = Literal[_Unknown.UNKNOWN]
Lookup = Callable[[str], "str | Unknown | None"]
"""A variable's value; None if it is certainly not set."""


@dataclass(frozen=True, slots=True)
class Expanded:
    """A word after expansion; `unknown` names the variables that were left in it as `${NAME}`."""

    text: str
    unknown: frozenset[str] = frozenset()


def expand(word: str, lookup: Lookup, *, escape: str = "\\") -> Expanded:
    """Replace the variables of a word and take its quotes away. Raises ExpansionError."""
    lexer = _Lexer(word, lookup, escape)
    text = lexer.read_until("", raw=False)
    return Expanded(text, frozenset(lexer.unknown))


class _Lexer:
    """Reads one word from left to right."""

    def __init__(self, source: str, lookup: Lookup, escape: str) -> None:
        self.source = source
        self.lookup = lookup
        self.escape = escape
        self.at = 0
        self.depth = 0
        self.unknown: set[str] = set()

    def peek(self) -> str:
        return self.source[self.at : self.at + 1]

    def next(self) -> str:
        char = self.peek()
        self.at += 1
        return char

    def read_until(self, stop: str, *, raw: bool) -> str:
        """Read up to `stop` (the end of the word if empty); `raw` keeps escape characters for a pattern."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise ExpansionError("variables are nested too deeply")
        out: list[str] = []
        while char := self.peek():
            if char == stop:
                self.at += 1
                self.depth -= 1
                return "".join(out)
            out.append(self._piece(char, raw=raw))
        if stop:
            raise ExpansionError(f"missing {stop!r}")
        self.depth -= 1
        return "".join(out)

    def _piece(self, char: str, *, raw: bool) -> str:
        if char == "'":
            return self._single_quoted()
        if char == '"':
            return self._double_quoted(raw=raw)
        if char == "$":
            return self._dollar()
        self.at += 1
        if char == self.escape:
            return (char if raw else "") + self.next()
        return char

    def _single_quoted(self) -> str:
        end = self.source.find("'", self.at + 1)
        if end < 0:
            raise ExpansionError("missing closing single quote")
        text = self.source[self.at + 1 : end]
        self.at = end + 1
        return text

    def _double_quoted(self, *, raw: bool) -> str:
        self.at += 1
        out: list[str] = []
        while char := self.peek():
            if char == "$":
                out.append(self._dollar())
                continue
            self.at += 1
            if char == '"':
                return "".join(out)
            if char == self.escape:
                if raw:
                    out.append(char)
                if not self.peek():
                    break
                if self.peek() in ('"', "$", self.escape):
                    char = self.next()
            out.append(char)
        raise ExpansionError("missing closing double quote")

    def _dollar(self) -> str:
        start = self.at
        self.at += 1
        if self.peek() != "{":
            name = self._name()
            return self._plain(name) if name else "$"
        self.at += 1
        if not self.peek():
            raise ExpansionError("missing '}'")
        if self.peek() in "{}:":
            raise ExpansionError("bad substitution")
        name = self._name()
        operator = self.next()
        if operator == "}":
            return self._plain(name)
        if operator == "/":
            return self._replaced(name, start)
        if operator == ":":
            operator += self.next()
        return self._modified(name, operator, start)

    def _plain(self, name: str) -> str:
        value = self.lookup(name)
        if value is UNKNOWN:
            self.unknown.add(name)
            return f"${{{name}}}"
        return value or ""

    def _name(self) -> str:
        start = self.at
        if self.peek().isdigit():
            while self.peek().isdigit():
                self.at += 1
        elif self.peek() and self.peek() in _SPECIAL:
            self.at += 1
        else:
            while self.peek() == "_" or self.peek().isalnum():
                self.at += 1
        return self.source[start : self.at]

    def _modified(self, name: str, operator: str, start: int) -> str:
        """`${name:-word}` and its family, after the operator."""
        if operator not in ("-", "+", "?", "#", "%", ":-", ":+", ":?"):
            raise ExpansionError(f"unsupported modifier {operator!r}")
        word = self.read_until("}", raw=operator in "#%")
        value = self.lookup(name)
        # A default is used, and an alternative is not, unless the base image happens to set the very same name.
        known = None if value is UNKNOWN else value
        is_set = known is not None and (known != "" or operator[0] != ":")
        match operator[-1]:
            case "-":
                return (known or "") if is_set else word
            case "+":
                return word if is_set else ""
            case "?":
                if value is UNKNOWN:
                    return self._plain(name)
                if not is_set:
                    raise ExpansionError(f"{name}: {word or 'is not set'}")
                return known or ""
            case _:
                if value is UNKNOWN:
                    return self._kept(name, start)
                return _trimmed(known or "", word, operator)

    def _replaced(self, name: str, start: int) -> str:
        """`${name/pattern/replacement}`, and with two slashes for every match."""
        count = 1
        if self.peek() == "/":
            self.at += 1
            count = 0
        pattern = self.read_until("/", raw=True)
        replacement = self.read_until("}", raw=True)
        value = self.lookup(name)
        if value is UNKNOWN:
            return self._kept(name, start)
        expression = re.compile("".join(_regex_parts(pattern, ".*")))
        return expression.sub(lambda _: replacement, value or "", count=count)

    def _kept(self, name: str, start: int) -> str:
        self.unknown.add(name)
        return self.source[start : self.at]


def _trimmed(value: str, pattern: str, operator: str) -> str:
    """`${name#pattern}` and `${name%pattern}`; a doubled sign takes the longest match."""
    greedy = pattern.startswith(operator)
    pattern = pattern[1:] if greedy else pattern
    star = ".*" if greedy else ".*?"
    parts = list(_regex_parts(pattern, star))
    if operator == "#":
        found = re.match("".join(parts), value)
        return value[found.end() :] if found else value
    # The shortest match that ends at the end is the shortest from the start of the reversed text.
    found = re.match("".join(reversed(parts)), value[::-1])
    return value[: len(value) - found.end()] if found else value


def _regex_parts(pattern: str, star: str) -> Iterator[str]:
    """A shell pattern without bracket expressions, one regular expression for each of its characters."""
    if pattern.count("*") > _MOST_STARS:
        raise ExpansionError(f"the pattern {pattern!r} has more than {_MOST_STARS} stars")
    chars = iter(pattern)
    for char in chars:
        if char == "*":
            yield star
        elif char == "?":
            yield "."
        elif char == "\\":
            escaped = next(chars, "")
            if not escaped or escaped not in "}/*?\\":
                raise ExpansionError(f"invalid escape '\\{escaped}' in the pattern {pattern!r}")
            yield re.escape(escaped)
        else:
            yield re.escape(char)
