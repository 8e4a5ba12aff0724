"""Starts other programs: the only module that does.

Both pipes are drained at once, because `docker buildx` writes its progress to standard error and a full pipe would stop
the build. A child is ended with the call that started it, whatever ends that call.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

POLL_SECONDS = 0.2
GRACE_SECONDS = 2.0
KEPT_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """How a program ended. `stopped` is the watchdog's reason where it was ended by us; outputs are the last 4 MiB."""

    arguments: tuple[str, ...]
    exit_code: int
    stdout: str = field(repr=False, default="")
    stderr: str = field(repr=False, default="")
    seconds: float = 0.0
    stopped: str = ""


class Processes(Protocol):
    """Runs a program to its end. The one port towards other programs: tests replay recorded sessions through it."""

    def run(
        self,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        standard_input: bytes | None = None,
        on_error_line: Callable[[str], None] | None = None,
        watchdog: Callable[[], str] | None = None,
        deadline: float | None = None,
    ) -> Completed:
        """Return how `arguments` ended.

        `on_error_line` gets each line of standard error as it comes. `watchdog` is asked several times a second and
        ends the program by answering with a reason. `deadline` is in seconds from now and ends it likewise. Raises
        `FileNotFoundError` where there is no such program.
        """
        ...


class SystemProcesses:
    """Runs programs of this machine."""

    def run(
        self,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        standard_input: bytes | None = None,
        on_error_line: Callable[[str], None] | None = None,
        watchdog: Callable[[], str] | None = None,
        deadline: float | None = None,
    ) -> Completed:
        """Return how `arguments` ended (see `Processes.run`)."""
        started = time.monotonic()
        with subprocess.Popen(
            list(arguments),
            env=dict(environment),
            stdin=subprocess.PIPE if standard_input is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # Ctrl-C reaches us alone; we end the child in order, so that it can tell the daemon.
            start_new_session=True,
        ) as child:
            try:
                lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
                stdout = _Drain(child.stdout)
                stderr = _Drain(child.stderr, lines)
                if standard_input is not None:
                    threading.Thread(target=_feed, args=(child, standard_input), daemon=True).start()
                stopped = _follow(lines, on_error_line, watchdog, started + deadline if deadline is not None else None)
            except BaseException:
                _end(child)
                raise
            if stopped:
                _end(child)
            exit_code = child.wait()
            return Completed(
                arguments=tuple(arguments),
                exit_code=exit_code,
                stdout=stdout.text(),
                stderr=stderr.text(),
                seconds=time.monotonic() - started,
                stopped=stopped,
            )


class _Drain:
    """Reads a pipe to its end in a thread of its own, keeping the last bytes and passing lines on."""

    def __init__(self, pipe: IO[bytes] | None, lines: queue.SimpleQueue[bytes | None] | None = None) -> None:
        self._pipe = pipe
        self._lines = lines
        self._kept = bytearray()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with contextlib.suppress(ValueError, OSError):  # the pipe is closed under us when the child is ended
            for line in self._pipe or ():
                self._kept += line
                if len(self._kept) > 2 * KEPT_BYTES:
                    del self._kept[:-KEPT_BYTES]
                if self._lines is not None:
                    self._lines.put(line)
        if self._lines is not None:
            self._lines.put(None)

    def text(self) -> str:
        self._thread.join(GRACE_SECONDS)
        return bytes(self._kept[-KEPT_BYTES:]).decode(errors="replace")


def _follow(
    lines: queue.SimpleQueue[bytes | None],
    on_error_line: Callable[[str], None] | None,
    watchdog: Callable[[], str] | None,
    ends_at: float | None,
) -> str:
    """Pass lines on until the child closes standard error; the reason where it has to be ended before that."""
    while True:
        with contextlib.suppress(queue.Empty):
            line = lines.get(timeout=POLL_SECONDS)
            if line is None:
                return ""
            if on_error_line is not None:
                on_error_line(line.decode(errors="replace").rstrip("\r\n"))
        if watchdog is not None and (reason := watchdog()):
            return reason
        if ends_at is not None and time.monotonic() > ends_at:
            return "no answer within its deadline"


def _feed(child: subprocess.Popen[bytes], data: bytes) -> None:
    with contextlib.suppress(BrokenPipeError, OSError, ValueError):
        if child.stdin is not None:
            child.stdin.write(data)
            child.stdin.close()


def _end(child: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(GRACE_SECONDS)
            return
