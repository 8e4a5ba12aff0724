"""Which files of the context `.dockerignore` keeps from the build, and by which line.

The rules are those of https://github.com/moby/patternmatcher (v0.6.0), which BuildKit and buildx use.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pycache_action.dockerfile.paths import PatternError, class_expression, clean, compile_part
from pycache_action.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: `exception` if it began with `!`; `pattern` matches a whole path relative to the context."""

    line: int
    text: str
    exception: bool
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Ignore:
    """The rules of one ignore file in their order; `name` is what messages call it."""

    name: str = ".dockerignore"
    rules: tuple[Rule, ...] = ()
    _seen: dict[str, tuple[tuple[bool, ...], Rule | None]] = field(default_factory=dict, compare=False, repr=False)

    def rule_for(self, path: str) -> Rule | None:
        """The rule that keeps this file or folder out of the build; None if it is in."""
        matched: tuple[bool, ...] = ()
        rule: Rule | None = None
        done = ""
        for part in path.split("/"):
            done = f"{done}/{part}" if done else part
            if done not in self._seen:
                self._seen[done] = self._match(done, matched)
            matched, rule = self._seen[done]
        return rule

    def _match(self, path: str, parent: tuple[bool, ...]) -> tuple[tuple[bool, ...], Rule | None]:
        """As patternmatcher's MatchesUsingParentResults: a rule that held for the folder holds for what is in it."""
        out: Rule | None = None
        matched = []
        for at, rule in enumerate(self.rules):
            held = bool(parent) and parent[at]
            # A rule is looked at only if it could change the verdict so far.
            if not held and rule.exception == (out is not None):
                held = rule.pattern.fullmatch(path) is not None
            matched.append(held)
            if held:
                out = None if rule.exception else rule
        return tuple(matched), out


def parse_dockerignore(text: str, name: str = ".dockerignore") -> Ignore:
    """Raises InputError, with the line, for a pattern that BuildKit refuses."""
    rules = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        if line.startswith("#") or not line.strip():
            continue
        exception, pattern = _split(line.strip())
        if not pattern:
            raise InputError(f"{name}, line {number}: '!' needs a pattern after it.")
        try:
            rules.append(Rule(number, line.strip(), exception, _compile(pattern)))
        except (PatternError, re.error) as error:
            raise InputError(f"{name}, line {number}: the pattern {line.strip()!r} is not valid: {error}.") from None
    return Ignore(name, tuple(rules))


def read_dockerignore(context: Path, dockerfile: Path) -> Ignore:
    """The ignore file of a build: `<Dockerfile>.dockerignore` beside the Dockerfile if there is one, and only that.

    Raises InputError if it cannot be read.
    """
    for path in (dockerfile.with_name(f"{dockerfile.name}.dockerignore"), context / ".dockerignore"):
        if path.is_file():
            try:
                return parse_dockerignore(path.read_bytes().decode(errors="surrogateescape"), path.name)
            except OSError as error:
                raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    return Ignore()


def compile_patterns(patterns: Iterable[str]) -> Ignore:
    """The patterns of `--exclude`, which follow the same rules. Raises PatternError."""
    rules = []
    for number, text in enumerate(patterns, start=1):
        exception, pattern = _split(text.strip())
        if pattern:
            try:
                rules.append(Rule(number, text, exception, _compile(pattern)))
            except re.error as error:
                raise PatternError(str(error)) from None
    return Ignore("--exclude", tuple(rules))


def _split(line: str) -> tuple[bool, str]:
    exception = line.startswith("!")
    pattern = line[1:].strip() if exception else line
    if not pattern:
        return exception, ""
    pattern = clean(pattern)
    if exception and pattern == "/":
        return exception, ""
    return exception, pattern[1:] if len(pattern) > 1 and pattern.startswith("/") else pattern


def _compile(pattern: str) -> re.Pattern[str]:
    """Raises PatternError as Go's filepath.Match would, and re.error."""
    for part in pattern.split("/"):
        compile_part(part)
    if pattern.startswith("**") and not re.search(r"[*?\[\]\\]", pattern[2:]):
        # patternmatcher looks only at the end of the path then, so `**foo` is `barfoo` as well.
        return re.compile(
            f"(.*/)?{re.escape(pattern[3:])}" if pattern[2:3] == "/" else f".*{re.escape(pattern[2:])}", re.DOTALL
        )
    out = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if pattern.startswith("**", at):
            at += 2 + pattern.startswith("/", at + 2)
            # At the end `**` is everything, the folder itself as well; before a name it is any number of folders.
            out.append(".*" if at >= len(pattern) else "(.*/)?")
        elif char == "[":
            piece, at = class_expression(pattern, at)
            out.append(piece)
        else:
            at += char == "\\"
            out.append({"*": "[^/]*", "?": "[^/]"}.get(char) or re.escape(pattern[at : at + 1]))
            at += 1
    return re.compile("".join(out), re.DOTALL)
