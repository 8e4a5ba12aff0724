"""The commands of a shell script, in order, each with what has to be so for it to run.

A reader for scripts as they stand in Dockerfiles: lists, pipelines, groups, subshells, redirections, heredocs and the
compound commands of sh and bash. Compound commands are flattened: a command in an `if` is a command that may not run.
No library does this well enough: bashlex is GPL, without a release since 2023, and fails on `case` and arithmetic;
shlex loses which characters were quoted; tree-sitter-bash leaves the values of words to the caller, which is most of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Literal

from pycache_action.dockerfile.shell.heads import read_for_head, read_heredoc, skip_case_head, skip_case_patterns
from pycache_action.dockerfile.shell.scanner import Scanner
from pycache_action.dockerfile.shell.words import ShellSyntaxError, Text, Word

_OPERATOR: Final = re.compile(r"&&|\|\||;;&|;;|;&|\|&|[;&|()\n]")
_REDIRECT: Final = re.compile(r"(\d*)(&>>|&>|<<<|<<-|<<|<>|<&|>>|>&|>\||<(?!\()|>(?!\())")
_ASSIGNMENT: Final = re.compile(r"([A-Za-z_]\w*)\+?=", re.ASCII)
_TESTS: Final = frozenset({"[", "[[", "test", "which", "command", "type", "hash", "false"})
_MOST_COMMANDS: Final = 20_000
_DEEPEST: Final = 200

Kind = Literal["if", "loop", "case", "group", "subshell"]

_CLOSED_BY: Final[dict[str, Kind]] = {"fi": "if", "done": "loop", "esac": "case", "}": "group"}


@dataclass(frozen=True, slots=True)
class Redirect:
    """`operator` and its target; `document` is the text of a heredoc or here-string."""

    operator: str
    target: Word
    document: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One simple command.

    `when` is why it may not run, or run more than once, in words; empty if it always runs once. `scope` tells subshells
    apart: what `cd` does in one ends with it. `source` is the command before it in its pipeline. `loop` is the variable
    of a `for` that begins here, whose words are `words`.
    """

    words: tuple[Word, ...] = ()
    assignments: tuple[tuple[str, Word], ...] = ()
    redirects: tuple[Redirect, ...] = ()
    when: str = ""
    scope: tuple[int, ...] = ()
    source: Command | None = None
    loop: str = ""


def parse_script(text: str, escape: str = "\\") -> tuple[Command, ...]:
    """Raises ShellSyntaxError."""
    parser = _Parser(Scanner(text, escape))
    parser.run()
    return tuple(parser.commands)


@dataclass(slots=True)
class _Open:
    """A compound command that is not closed yet; `chain` is what stood before it."""

    kind: Kind
    when: str
    chain: str
    scope: tuple[int, ...]
    in_patterns: bool = False


@dataclass(slots=True)
class _Parser:
    """Reads word after word; what is collected of a command becomes a `Command` at the operator that ends it."""

    scanner: Scanner
    commands: list[Command] = field(default_factory=list)
    open: list[_Open] = field(default_factory=list)
    chain: str = ""
    scopes: int = 0
    scope: tuple[int, ...] = ()
    words: list[Word] = field(default_factory=list)
    assignments: list[tuple[str, Word]] = field(default_factory=list)
    redirects: list[Redirect] = field(default_factory=list)
    resume: int = 0
    source: Command | None = None
    last: Command | None = None
    function: bool = False

    def run(self) -> None:
        scanner = self.scanner
        while True:
            scanner.skip_blanks()
            if not scanner.peek():
                break
            if self.open and self.open[-1].in_patterns:
                self.open[-1].in_patterns = False
                if skip_case_patterns(self.scanner):
                    self._close("case")
            elif not self._redirect():
                found = _OPERATOR.match(scanner.source, scanner.at)
                if found and scanner.peek(2) not in ("<(", ">("):
                    self._operator(found.group())
                else:
                    self._word(scanner.word())
        self._end_command()
        if self.open:
            raise ShellSyntaxError(f"a compound command ({self.open[-1].kind}) is not closed")

    def _word(self, word: Word) -> None:
        if not self.words and not self.assignments and self._reserved(word.keyword):
            return
        assignment = _ASSIGNMENT.match(getattr(word.parts[0], "text", "")) if word.parts and not self.words else None
        if assignment and not getattr(word.parts[0], "quoted", True):
            self.assignments.append((assignment.group(1), _without_start(word, assignment.end())))
            return
        self.words.append(word)
        if word.keyword == "[[" and len(self.words) == 1:
            self._double_brackets()

    def _double_brackets(self) -> None:
        """In `[[ ... ]]` the operators are words."""
        end = re.compile(r"(?<=\s)\]\](?=[\s;&|)]|$)").search(self.scanner.source, self.scanner.at)
        if end is None:
            raise ShellSyntaxError("missing closing ]]")
        self.scanner.at = end.end()

    def _redirect(self) -> bool:
        scanner = self.scanner
        found = _REDIRECT.match(scanner.source, scanner.at)
        if found is None:
            return False
        operator = found.group(2)
        scanner.at = found.end()
        scanner.skip_blanks()
        target = scanner.word()
        if not target.parts:
            raise ShellSyntaxError(f"{operator} has no target")
        if found.group(1) not in ("", "0", "1"):
            return True  # nobody here reads what goes to standard error
        document = ""
        if operator in ("<<", "<<-"):
            # The document begins on the next line; reading goes on behind it once that line comes up.
            start = self.resume or scanner.source.find("\n", scanner.at) + 1 or len(scanner.source)
            document, self.resume = read_heredoc(scanner.source, start, target, tabs=operator == "<<-")
        self.redirects.append(Redirect(operator, target, document))
        return True

    def _operator(self, operator: str) -> None:
        self.scanner.at += len(operator)
        if operator == "(":
            self._parenthesis()
            return
        self._end_command()
        if operator == "\n":
            self._after_newline()
        elif operator in ("&&", "||", "|", "|&"):
            self._skip_newlines()
        match operator:
            case ")":
                self._close("subshell")
            case "||":
                self.chain = "only after a failure (||)"
            case "&&":
                self._and()
            case "|" | "|&":
                self.source = self.last
            case ";;" | ";&" | ";;&":
                self._innermost("case").in_patterns = True
                self.chain = ""
            case _:
                self.chain = self.open[-1].chain if self.open else ""

    def _after_newline(self) -> None:
        if self.resume:
            self.scanner.at, self.resume = self.resume, 0

    def _skip_newlines(self) -> None:
        self.scanner.skip_blanks()
        while self.scanner.peek() == "\n":
            self.scanner.at += 1
            self._after_newline()
            self.scanner.skip_blanks()

    def _and(self) -> None:
        if "||" in self.chain:
            self.chain = self.open[-1].chain if self.open else ""
        if self.last and _is_test(self.last):
            self.chain = "only after a test (&&)"

    def _parenthesis(self) -> None:
        if len(self.words) == 1 and not self.redirects:
            self.scanner.skip_blanks()
            if self.scanner.peek() == ")":
                self.scanner.at += 1
                self.words.clear()
                self.function = True
                return
        if self.words or self.assignments:
            raise ShellSyntaxError("a ( stands where none can")
        if self.scanner.peek() == "(":
            end = self.scanner.source.find("))", self.scanner.at)
            if end < 0:
                raise ShellSyntaxError("missing closing ))")
            self.scanner.at = end + 2
            return
        self._push("subshell", "")
        self.scopes += 1
        self.scope = (*self.scope, self.scopes)

    def _reserved(self, keyword: str) -> bool:
        """Handle a reserved word where a command could begin; whether it was one."""
        match keyword:
            case "if" | "while" | "until" | "{" | "case" | "for" | "select":
                self._compound(keyword)
            case "then" | "elif" | "else":
                self._innermost("if")
                self.chain = self.open[-1].chain
                self.open[-1].when = "only on a condition (if)"
            case "do":
                self._innermost("loop")
                self.chain = self.open[-1].chain
                self.open[-1].when = "in a loop"
            case "fi" | "done" | "esac" | "}":
                self._close(_CLOSED_BY[keyword])
            case "!" | "time":
                pass
            case "function":
                self.scanner.skip_blanks()
                self.scanner.word()
                self.function = True
                self._empty_parentheses()
            case _:
                return False
        return True

    def _compound(self, keyword: str) -> None:
        match keyword:
            case "if":
                self._push("if", "")
            case "{":
                self._push("group", "")
            case "while" | "until":
                self._push("loop", "")
            case "case":
                self._push("case", "only on a condition (case)")
                skip_case_head(self.scanner)
                self.open[-1].in_patterns = True
            case _:
                self._push("loop", "")
                name, words = read_for_head(self.scanner)
                self._add(Command(loop=name, words=words, when=self._when(), scope=self.scope))

    def _empty_parentheses(self) -> None:
        found = re.compile(r"\s*\(\s*\)").match(self.scanner.source, self.scanner.at)
        if found:
            self.scanner.at = found.end()

    def _push(self, kind: Kind, when: str) -> None:
        when = "in a function" if self.function else when
        self.function = False
        if len(self.open) > _DEEPEST:
            raise ShellSyntaxError("compound commands are nested too deeply")
        self.open.append(_Open(kind, when, self.chain, self.scope))

    def _innermost(self, kind: Kind) -> _Open:
        if not self.open or self.open[-1].kind != kind:
            raise ShellSyntaxError(f"something of a compound command ({kind}) stands outside of one")
        return self.open[-1]

    def _close(self, kind: Kind) -> None:
        closed = self._innermost(kind)
        self.open.pop()
        self.chain, self.scope = closed.chain, closed.scope
        self.last = None

    def _when(self) -> str:
        return next((one.when for one in self.open if one.when), self.chain)

    def _end_command(self) -> None:
        if not (self.words or self.assignments or self.redirects):
            return
        self._add(
            Command(
                words=tuple(self.words),
                assignments=tuple(self.assignments),
                redirects=tuple(self.redirects),
                when=self._when(),
                scope=self.scope,
                source=self.source,
            )
        )
        self.words.clear()
        self.assignments.clear()
        self.redirects.clear()
        self.source = None

    def _add(self, command: Command) -> None:
        if len(self.commands) >= _MOST_COMMANDS:
            raise ShellSyntaxError(f"more than {_MOST_COMMANDS} commands")
        self.commands.append(command)
        self.last = command


def _is_test(command: Command) -> bool:
    """Whether the command is there for its exit code, so that what follows is meant to be left out at times."""
    words = [word.keyword for word in command.words]
    return bool(words) and (words[0] in _TESTS or (words[0] == "grep" and not command.redirects))


def _without_start(word: Word, length: int) -> Word:
    """The word without the first characters of its first part, which is plain text."""
    first = word.parts[0]
    rest = first.text[length:] if isinstance(first, Text) else ""
    return Word((Text(rest, quoted=False), *word.parts[1:]) if rest else word.parts[1:] or (Text("", quoted=True),))
