"""Starts other programs: the only module that does.

Both pipes are drained at once, because `docker buildx` writes its progress to standard error and a full pipe would stop
the build. A child is ended with the call that started it, whatever ends that call.
"""

from __future__ import annotations

import contextlib
import math
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
LINGER_SECONDS = 1.0
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
        child = subprocess.Popen(
            list(arguments),
            env=dict(environment),
            stdin=subprocess.PIPE if standard_input is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # Ctrl-C reaches us alone; we end the child in order, so that it can tell the daemon.
            start_new_session=True,
        )
        lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        stdout, stderr = _Drain(child.stdout), _Drain(child.stderr, lines)
        try:
            if standard_input is not None:
                threading.Thread(target=_feed, args=(child, standard_input), daemon=True).start()
            ends_at = started + deadline if deadline is not None else None
            stopped = _follow(child, lines, on_error_line, watchdog, ends_at)
        except BaseException:
            _end(child, stdout, stderr)
            raise
        if stopped:
            _end(child, stdout, stderr)
        return Completed(
            arguments=tuple(arguments),
            exit_code=child.returncode if child.returncode is not None else -signal.SIGKILL,
            stdout=stdout.text(),
            stderr=stderr.text(),
            seconds=time.monotonic() - started,
            stopped=stopped,
        )


class _Drain:
    """Reads a pipe to its end in a thread of its own, keeping the last bytes and passing lines on.

    The thread alone closes the pipe: closing it elsewhere would wait for a read under way, which a grandchild that
    inherited the pipe can make last for ever.
    """

    def __init__(self, pipe: IO[bytes] | None, lines: queue.SimpleQueue[bytes | None] | None = None) -> None:
        self._pipe = pipe
        self._lines = lines
        self._kept = bytearray()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError), self._pipe or contextlib.nullcontext(()) as pipe:
            for line in pipe:
                self._kept += line
                if len(self._kept) > 2 * KEPT_BYTES:
                    del self._kept[:-KEPT_BYTES]
                if self._lines is not None:
                    self._lines.put(line)
        if self._lines is not None:
            self._lines.put(None)

    def ends_by(self, moment: float) -> bool:
        self._thread.join(max(0.0, moment - time.monotonic()))
        return not self._thread.is_alive()

    def text(self) -> str:
        self._thread.join(POLL_SECONDS)
        return bytes(self._kept[-KEPT_BYTES:]).decode(errors="replace")


def _follow(
    child: subprocess.Popen[bytes],
    lines: queue.SimpleQueue[bytes | None],
    on_error_line: Callable[[str], None] | None,
    watchdog: Callable[[], str] | None,
    ends_at: float | None,
) -> str:
    """Pass lines on until the child has ended; the reason where it has to be ended before that."""
    ask_at = time.monotonic() + POLL_SECONDS
    is_closed, ended_at = False, math.inf
    while True:
        try:
            line = lines.get(timeout=POLL_SECONDS)
            is_closed = line is None
        except queue.Empty:
            line = None
        if line is not None and on_error_line is not None:
            on_error_line(line.decode(errors="replace").rstrip("\r\n"))
        now = time.monotonic()
        if line is None and _has_ended(child):
            # A grandchild may hold the pipe open: a moment for what is still on its way, then no more is waited for.
            ended_at = min(ended_at, now)
            if is_closed or now - ended_at > LINGER_SECONDS:
                return ""
        if ends_at is not None and now > ends_at:
            return "no answer within its deadline"
        if watchdog is not None and now >= ask_at:
            if reason := watchdog():
                return reason
            ask_at = time.monotonic() + POLL_SECONDS


def _has_ended(child: subprocess.Popen[bytes]) -> bool:
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(POLL_SECONDS)
    return child.returncode is not None


def _feed(child: subprocess.Popen[bytes], data: bytes) -> None:
    with contextlib.suppress(OSError), child.stdin or contextlib.nullcontext() as pipe:
        if pipe is not None:
            pipe.write(data)


def _end(child: subprocess.Popen[bytes], *drains: _Drain) -> None:
    """End the child and all it started (`docker` runs buildx as a program of its own), giving them time to end in order:
    who still holds a pipe is still at it.
    """
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        ends_at = time.monotonic() + GRACE_SECONDS
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(GRACE_SECONDS)
        if all(drain.ends_by(ends_at) for drain in drains) and child.returncode is not None:
            return
