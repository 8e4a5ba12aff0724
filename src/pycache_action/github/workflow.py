"""Speaks to the runner: groups and annotations in the log, outputs, the job summary.

A line is a command if it begins with `::`, or holds `##[` anywhere:
https://github.com/actions/runner/blob/v2.336.0/src/Runner.Common/ActionCommand.cs
Commands and outputs are escaped by actions-toolkit; what they are made from is cleaned here first.
"""

from __future__ import annotations

import contextlib
import re
import secrets
from typing import TYPE_CHECKING, TextIO

from actions_toolkit.command import Command
from actions_toolkit.file_command import prepare_key_value_message

from pycache_action.untrusted import lines_of, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SUMMARY_BYTES = 1024 * 1024
TITLE_CHARACTERS = 200
MESSAGE_LINES = 40
SHORTEST_MASKED_LINE = 4

_SUMMARY_CUT = "\n\n_The rest of this summary does not fit in GitHub's limit of 1 MiB._\n"


class WorkflowCommands:
    """Writes a step's log to `stream`. Each line goes out at once, so the log can be followed while the step runs."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Write plain lines, none of which the runner takes for a command."""
        for line in lines_of(text) or ("",):
            self._send(defuse(line))

    @contextlib.contextmanager
    def group(self, title: str) -> Iterator[None]:
        """Fold what is written meanwhile under `title`. Groups do not nest."""
        self._command("group", defuse(one_line(title, TITLE_CHARACTERS)))
        try:
            yield
        finally:
            self._command("endgroup", "")

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Let nothing that is written meanwhile be a command, whoever wrote it; ours are not either."""
        token = secrets.token_hex(16)
        self._command("stop-commands", token)
        try:
            yield
        finally:
            self._command(token, "")

    def notice(self, message: str, *, title: str = "", file: str = "", line: int = 0) -> None:
        """Annotate the run, or a line of a file whose path is relative to the repository."""
        self._annotate("notice", message, title, file, line)

    def warning(self, message: str, *, title: str = "", file: str = "", line: int = 0) -> None:
        """Annotate the run, or a line of a file whose path is relative to the repository."""
        self._annotate("warning", message, title, file, line)

    def error(self, message: str, *, title: str = "", file: str = "", line: int = 0) -> None:
        """Annotate the run, or a line of a file whose path is relative to the repository."""
        self._annotate("error", message, title, file, line)

    def mask(self, *values: str) -> None:
        """Have the runner hide these secrets in all that follows.

        Of a secret of several lines each line is hidden by itself, as the log is. Lines such as `{` are left out: to hide
        them would be to hide every brace in the log.
        """
        for value in values:
            lines = [line.strip() for line in value.splitlines() if line.strip()]
            for line in lines:
                if len(lines) == 1 or len(line) >= SHORTEST_MASKED_LINE:
                    self._command("add-mask", line)

    def _annotate(self, command: str, message: str, title: str, file: str, line: int) -> None:
        # Only what is known: the toolkit's own calls would send every property, empty ones too.
        known: dict[str, str] = {}
        if title:
            known["title"] = one_line(title, TITLE_CHARACTERS)
        if file:
            known["file"] = one_line(file)
        if file and line > 0:
            known["line"] = str(line)
        shown = lines_of(message, limit=1000)[:MESSAGE_LINES]
        self._command(command, "\n".join(shown), known)

    def _command(self, name: str, message: str, properties: Mapping[str, str] | None = None) -> None:
        self._send(str(Command(name, dict(properties or {}), message)))

    def _send(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()


def defuse(line: str) -> str:
    """The line with a mark before what would make it a command, else as it is."""
    line = line.replace("##[", "## [")
    return re.sub(r"^(\s*)::", r"\1\\::", line)


def write_outputs(path: Path, values: Mapping[str, str]) -> None:
    """Set the step's outputs; `path` is `GITHUB_OUTPUT`. Raises `OSError` where it cannot be written."""
    with path.open("a", encoding="utf-8", errors="replace", newline="") as file:
        for name, value in values.items():
            file.write(prepare_key_value_message(name, value) + "\n")


def append_summary(path: Path, markdown: str) -> None:
    """Add to the job summary; `path` is `GITHUB_STEP_SUMMARY`. Raises `OSError` where it cannot be written.

    GitHub drops a summary over 1 MiB altogether, so one that would get there is cut.
    """
    used = path.stat().st_size if path.exists() else 0
    written = markdown.encode("utf-8", errors="replace")
    room = SUMMARY_BYTES - used
    if len(written) > room:
        cut = _SUMMARY_CUT.encode()
        written = b"" if room <= len(cut) else _whole_lines(written[: room - len(cut)]) + cut
    with path.open("ab") as file:
        file.write(written)


def _whole_lines(written: bytes) -> bytes:
    return written[: written.rfind(b"\n") + 1] or written.decode(errors="ignore").encode()
