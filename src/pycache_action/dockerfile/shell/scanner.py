"""Cut a shell script into words, quotes and substitutions minded; what a word means is for `words` to say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pycache_action.dockerfile.shell.words import Part, ShellSyntaxError, Substitution, Text, Variable, Word

if TYPE_CHECKING:
    from collections.abc import Callable

_PLAIN: Final = re.compile(r"[^\s'\"\\$`;&|()<>]+")
_PLAIN_QUOTED: Final = re.compile(r"[^\"\\$`]+")
_VARIABLE: Final = re.compile(r"\$([A-Za-z_]\w*|[0-9@*#?$!-])", re.ASCII)
_ENDS_WORD: Final = frozenset(" \t\r\n;&|()<>")


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
