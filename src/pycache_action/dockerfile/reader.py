"""From the text of a Dockerfile to its instructions.

The lines are split by the `dockerfile` package, which is BuildKit's own parser as it was in 2023. What has changed
since, and what the package does not hand out, is mended here and nowhere else:

- a NUL ends its input and a lone surrogate kills the process, so `parse` lets neither through;
- it takes `["a"] && b` for JSON, where BuildKit by now sees a shell command;
- it does not know `<< EOF` with a space;
- it says nothing of parser directives, of `<<-` and quoted heredocs, nor of the flags and heredocs in an ONBUILD;
- it names no line when it fails.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

import dockerfile as buildkit

from pycache_action.dockerfile.instructions import Heredoc, Instruction
from pycache_action.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

_DIRECTIVE: Final = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*")
_DIRECTIVES: Final = frozenset({"syntax", "escape", "check"})
_AFTER_FLAGS: Final = re.compile(r"\s*\S+\s+(?:--\S+\s+)*(.*)", re.DOTALL)
_SPACED_HEREDOC: Final = re.compile(
    r"^([ \t]*(?:ONBUILD[ \t]+)?(?:RUN|COPY|ADD)[ \t].*<<-?)[ \t]+(?=[\"']?\w)", re.IGNORECASE | re.MULTILINE
)
_ONBUILD: Final = re.compile(r"\s*ONBUILD\b\s*", re.IGNORECASE)
_HEREDOC_WORD: Final = re.compile(r"<<-?[ \t]*[\"']?([^\s\"'<]+)")
_LONGEST_LINE: Final = 65_535
_NO_INSTRUCTIONS: Final = "file with no instructions"


def read_directives(text: str) -> dict[str, str]:
    """The parser directives (`# syntax=`, `# escape=`, `# check=`) by name; only the first lines of a file have them."""
    found: dict[str, str] = {}
    for line in text.removeprefix("\ufeff").split("\n"):
        match = _DIRECTIVE.fullmatch(line.rstrip("\r"))
        name = match.group(1).lower() if match else ""
        if match is None or name not in _DIRECTIVES:
            if not found and line.startswith("#!"):
                continue
            break
        found.setdefault(name, match.group(2))
    return found


def read_instructions(text: str, name: str, keywords: Collection[str]) -> list[Instruction]:
    """Raises InputError, with the line and the text seen."""
    try:
        commands = buildkit.parse_string(text)
    except buildkit.GoParseError as error:
        commands = _parsed_with_spaced_heredocs(text)
        if commands is None:
            raise _parse_error(text, name, str(error)) from None
    else:
        if any((command.cmd or "").upper() not in keywords for command in commands):
            commands = _parsed_with_spaced_heredocs(text) or commands
    lines = text.split("\n")
    prefix = _escape_line(text)
    return [_instruction(command, lines, prefix) for command in commands]


def _parsed_with_spaced_heredocs(text: str) -> Sequence[buildkit.Command] | None:
    joined = _SPACED_HEREDOC.sub(r"\1", text)
    if joined == text:
        return None
    try:
        commands: Sequence[buildkit.Command] = buildkit.parse_string(joined)
    except buildkit.GoParseError:
        return None
    return commands


def _instruction(command: buildkit.Command, lines: list[str], prefix: str, offset: int = 0) -> Instruction:
    if command.cmd is None:  # nothing but line continuations
        command = command._replace(cmd="", original="", value=())
    keyword = command.cmd.upper()
    start, end = command.start_line + offset, command.end_line + offset
    original = "\n".join(lines[command.start_line - 1 : command.end_line])
    args, is_json = tuple(command.value), command.json
    if is_json and not _is_json(command.original):
        shell_form = keyword not in ("COPY", "ADD", "VOLUME")
        is_json, rest = False, _AFTER_FLAGS.fullmatch(command.original)
        rest_text = rest.group(1).strip() if rest else ""
        args = (rest_text,) if shell_form else tuple(rest_text.split())
    return Instruction(
        line=start,
        end_line=end,
        keyword=keyword,
        original=original.rstrip("\r"),
        joined=command.original,
        flags=tuple(command.flags),
        args=args,
        json=is_json,
        heredocs=tuple(_heredocs(command)),
        trigger=_trigger(original, prefix, start) if keyword == "ONBUILD" else None,
    )


def _is_json(joined: str) -> bool:
    rest = _AFTER_FLAGS.fullmatch(joined)
    try:
        json.loads(rest.group(1) if rest else "")
    except ValueError:
        # A flag with a space in quotes ends the search for the arguments too early: then the package's word counts.
        return rest is not None and not rest.group(1).lstrip().startswith("[")
    except RecursionError:
        return False
    return True


def _heredocs(command: buildkit.Command) -> Iterator[Heredoc]:
    head = command.original.partition("\n")[0] if not command.json else ""
    for heredoc in command.heredocs:
        # `<<-` and the quotes are found by looking for the word again.
        opened = re.search(r"<<(-?)\s*([\"'\\]?)" + re.escape(heredoc.name[:1]), head)
        content = heredoc.content
        if opened and opened.group(1):
            content = re.sub(r"^\t+", "", content, flags=re.MULTILINE)
        yield Heredoc(heredoc.name, content, expand=not (opened and opened.group(2) in ("'", '"')))
        head = head[opened.end() :] if opened else head


def _trigger(original: str, prefix: str, line: int) -> Instruction | None:
    """The instruction that an ONBUILD holds back, read again by itself."""
    text = _ONBUILD.sub("", original, count=1)
    try:
        commands = buildkit.parse_string(prefix + text)
    except buildkit.GoParseError:
        return None
    if len(commands) != 1 or (commands[0].cmd or "").upper() == "ONBUILD":
        return None
    lines = (prefix + text).split("\n")
    return _instruction(commands[0], lines, prefix, offset=line - 1 - prefix.count("\n"))


def _escape_line(text: str) -> str:
    escape = read_directives(text).get("escape")
    return f"# escape={escape}\n" if escape in ("`", "\\") else ""


def _parse_error(text: str, name: str, reason: str) -> InputError:
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line.encode()) > _LONGEST_LINE:
            return InputError(f"{name}, line {number}: longer than BuildKit's limit of {_LONGEST_LINE} bytes.")
    if reason == _NO_INSTRUCTIONS:
        return InputError(f"{name} has no instructions, only comments.", hint="Its first instruction is FROM.")
    place, seen = _failing_place(text)
    if place == 0:
        return InputError(f"{name} cannot be read: {reason}.")
    seen = seen if len(seen) <= 120 else f"{seen[:120]}..."
    return InputError(f"{name}, line {place}: {reason}: {seen}")


def _failing_place(text: str) -> tuple[int, str]:
    """The line of the first instruction that does not parse by itself and its text; 0 if each does."""
    lines = text.removeprefix("\ufeff").split("\n")
    prefix = _escape_line(text)
    escape = prefix[9:10] or "\\"
    start = 0
    while start < len(lines):
        end = start + 1
        while end < len(lines) and lines[end - 1].rstrip(" \t\r").endswith(escape):
            end += 1
        error, end = _chunk_error(prefix, lines, start, end)
        if error:
            return start + 1, " ".join("\n".join(lines[start:end]).split())
        start = end
    return 0, ""


def _chunk_error(prefix: str, lines: list[str], start: int, end: int) -> tuple[str, int]:
    """What is wrong with the instruction from `start`, and where it ends, its heredocs included."""
    names = {f"{word}" for word in _HEREDOC_WORD.findall("\n".join(lines[start:end]))}
    ends = [end, *(at + 1 for at in range(end, len(lines)) if names and lines[at].strip("\t\r") in names)]
    error = ""
    for until in ends[:50]:
        try:
            buildkit.parse_string(prefix + "\n".join(lines[start:until]))
        except buildkit.GoParseError as problem:
            if str(problem) == _NO_INSTRUCTIONS:
                return "", until
            error = str(problem)
        else:
            return "", until
    return error, end
