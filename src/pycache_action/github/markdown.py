"""Text of others, put into Markdown as GitHub renders it, so that it stays text.

Names, paths and commands go into code spans: within one nothing is a link, an image, a mention, an issue number or HTML,
and the only way out is a run of backticks as long as the span's own (https://github.github.com/gfm/#code-spans). In
sentences every word goes into one that is more than letters or a number.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NewType

from pycache_action.untrusted import lines_of, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

Markdown = NewType("Markdown", str)
"""Safe to put into a template: our own words, or what a function of this module made."""

NAME_CHARACTERS = 120
SENTENCE_CHARACTERS = 600
LOG_LINE_CHARACTERS = 300

_LETTERS = r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*"
_HARMLESS = re.compile(rf"(?:{_LETTERS}|\d{{1,6}}(?:[.,]\d{{1,6}})*)")
_WORD = re.compile(r"(?P<before>[(\"']*)(?P<core>.*?)(?P<after>[)\"'.,;:!?…]*)", re.DOTALL)


def own(text: str) -> Markdown:
    """Declare text to be ours: it holds nothing of anybody else's."""
    return Markdown(text)


def code(text: str, limit: int = NAME_CHARACTERS) -> Markdown:
    """Any text as a code span; nothing at all where there is none."""
    shown = one_line(text, limit)
    if not shown:
        return Markdown("")
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return Markdown(f"{fence}{space}{shown}{space}{fence}")


def prose(text: str, limit: int = SENTENCE_CHARACTERS) -> Markdown:
    """A sentence that may hold anything: plain words stay, all else is shown as code, as is what stands in backticks."""
    parts = one_line(text, limit).split("`")
    is_paired = len(parts) % 2 == 1
    shown = ""
    for number, part in enumerate(parts):
        is_quoted = number % 2 == 1 and (is_paired or number < len(parts) - 1)
        piece = code(part, 0) if is_quoted else " ".join(map(_word, part.split(" ")))
        touches = shown.endswith("`") and piece.startswith("`")  # they would be one run of backticks
        shown += f" {piece}" if touches else piece
    return Markdown(re.sub(r"^(\d+)(?=[.)])", r"\1\\", shown.strip()))  # "1." would begin a list


def link(text: Markdown, url: str) -> Markdown:
    """A link to an address that we made, or the text alone where there is none."""
    return Markdown(f"[{text}]({url})") if url else text


def cell(text: Markdown) -> Markdown:
    """The same within a table, whose cells end at every pipe that has no backslash before it, code or not."""
    return Markdown(text.replace("|", r"\|"))


def block(text: str, *, last: int, language: str = "text") -> Markdown:
    """The last lines of a log, or lines to write, as a code block."""
    return code_block(lines_of(text, last=last, limit=LOG_LINE_CHARACTERS), language)


def code_block(lines: Sequence[str], language: str = "text") -> Markdown:
    """Clean lines as a code block."""
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return Markdown("\n".join((f"{fence}{language}", *lines, fence)))


def _word(token: str) -> str:
    found = _WORD.fullmatch(token)
    if not token or found is None:
        return token
    before, core, after = found["before"], found["core"], found["after"]
    if not core or _HARMLESS.fullmatch(core):
        return token
    return f"{before}{code(core, 0)}{after}"
