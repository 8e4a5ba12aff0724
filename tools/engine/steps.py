"""Says what is being done, one line per step with its seconds; what programs print goes to log files."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

TAIL_LINES = 15


class EngineError(Exception):
    """Something the engine needs could not be had; the message says what, and what to do where that is known."""


def say(text: str) -> None:
    print(f"engine: {text}", file=sys.stderr, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Prints `title` and its seconds when done; the failure is the caller's to print."""
    start = time.monotonic()
    yield
    say(f"{time.monotonic() - start:6.1f} s  {title}")


def read_tail(log: Path) -> str:
    """The last lines of `log`, indented, with its path; for the end of an error message."""
    try:
        lines = log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
    except OSError:
        lines = []
    return "".join(f"    {line}\n" for line in lines) + f"  (all of it: {log})"


def run(
    argv: Sequence[str | Path], log: Path, *, environ: Mapping[str, str] | None = None, cwd: Path | None = None
) -> None:
    """Runs `argv` with its output appended to `log`; raises `EngineError` with the log's end when it fails."""
    with log.open("ab") as file:
        command = " ".join(map(str, argv)).partition("\n")
        file.write(f"$ {command[0]}{' ...' if command[1] else ''}\n".encode())
        file.flush()
        try:
            code = subprocess.run(
                argv, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, env=environ, cwd=cwd, check=False
            ).returncode
        except OSError as error:
            raise EngineError(f"cannot start {argv[0]}: {error.strerror}") from error
    if code:
        raise EngineError(f"{Path(argv[0]).name} failed (exit code {code}):\n{read_tail(log)}")
