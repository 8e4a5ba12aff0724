"""What is read word by word, or line by line, without being a command: `for`, `case` and heredocs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pycache_action.dockerfile.shell.words import ShellSyntaxError, Text, Word

if TYPE_CHECKING:
    from pycache_action.dockerfile.shell.scanner import Scanner


def read_for_head(scanner: Scanner) -> tuple[str, tuple[Word, ...]]:
    """The variable and the words of `for x in a b c`. Raises ShellSyntaxError."""
    scanner.skip_blanks()
    name = scanner.word().keyword
    scanner.skip_blanks()
    words: list[Word] = []
    if scanner.peek(2) == "in" and scanner.word().keyword == "in":
        scanner.skip_blanks()
        while scanner.peek() and scanner.peek() not in ";\n&|()<>":
            words.append(scanner.word())
            scanner.skip_blanks()
    elif scanner.peek() == "(":
        raise ShellSyntaxError("a for with a condition in (( ))")
    return name or "?", tuple(words)


def skip_case_head(scanner: Scanner) -> None:
    """`case word in`, after the first word. Raises ShellSyntaxError."""
    scanner.skip_blanks()
    scanner.word()
    _skip_blank_lines(scanner)
    if scanner.word().keyword != "in":
        raise ShellSyntaxError("a case without its in")


def skip_case_patterns(scanner: Scanner) -> bool:
    """The patterns of a case up to their `)`; whether `esac` stood there instead. Raises ShellSyntaxError."""
    _skip_blank_lines(scanner)
    if scanner.peek() == "(":
        scanner.at += 1
    while True:
        _skip_blank_lines(scanner)
        if scanner.peek() in (")", "|"):
            scanner.at += 1
            if scanner.source[scanner.at - 1] == ")":
                return False
            continue
        word = scanner.word()
        if word.keyword == "esac":
            return True
        if not word.parts:
            raise ShellSyntaxError("a case that is not closed")


def read_heredoc(source: str, start: int, target: Word, *, tabs: bool) -> tuple[str, int]:
    """The lines from `start` to the one that is `target` alone, and where the line after it begins."""
    end = "".join(part.text if isinstance(part, Text) else part.source for part in target.parts)
    lines: list[str] = []
    while start < len(source):
        stop = source.find("\n", start)
        stop = len(source) if stop < 0 else stop
        line = source[start:stop].lstrip("\t") if tabs else source[start:stop]
        start = stop + 1
        if line.rstrip("\r") == end:
            break
        lines.append(f"{line}\n")
    return "".join(lines), start


def _skip_blank_lines(scanner: Scanner) -> None:
    scanner.skip_blanks()
    while scanner.peek() == "\n":
        scanner.at += 1
        scanner.skip_blanks()
