"""Long-running processes of ours: started apart from us, found again by pid file, ended by pid alone."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.engine.steps import EngineError, read_tail

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, slots=True)
class PidFile:
    """A pid and, since pids are used again, the process's start time in clock ticks since boot."""

    path: Path

    def write(self, pid: int) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(f"{pid} {read_start_time(pid)}\n")

    def find(self) -> int | None:
        """The pid, when that very process is alive."""
        try:
            pid, started = map(int, self.path.read_text().split())
        except (OSError, ValueError):
            return None
        return pid if read_start_time(pid) == started else None


def read_start_time(pid: int) -> int | None:
    """Of a process that is alive; `None` for none and for a zombie (fields 3 and 22 of proc_pid_stat(5))."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def start(argv: Sequence[str], log: Path) -> int:
    """Starts `argv` in a session of its own, as nobody's child, with its output appended to `log`; its pid."""
    script = '"$@" >>"$0" 2>&1 </dev/null & echo $!'
    shell = subprocess.run(["sh", "-c", script, log, *argv], stdout=subprocess.PIPE, start_new_session=True, check=True)
    return int(shell.stdout)


def wait_until_alive(title: str, is_alive: Callable[[], bool], pid: int, log: Path, *, seconds: float = 60) -> None:
    """Waits until `is_alive()`; fails as soon as the process has ended, or after `seconds`."""
    limit = time.monotonic() + seconds
    while not is_alive():
        if read_start_time(pid) is None:
            raise EngineError(f"{title} ended at once:\n{read_tail(log)}")
        if time.monotonic() > limit:
            raise EngineError(f"{title} does not answer after {seconds:.0f} s:\n{read_tail(log)}")
        time.sleep(0.02)


def read_children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def end(pid: int, *, ask: Sequence[int], seconds: float = 15) -> None:
    """Asks the processes `ask` to end and waits for `pid`; kills it when it has not ended after `seconds`."""
    send(signal.SIGTERM, *ask)
    if not wait_for_end(pid, seconds):
        send(signal.SIGKILL, pid)
        wait_for_end(pid, 5)


def kill(pid: int) -> None:
    send(signal.SIGKILL, pid)
    wait_for_end(pid, 5)


def send(number: signal.Signals, *pids: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def wait_for_end(pid: int, seconds: float) -> bool:
    limit = time.monotonic() + seconds
    while read_start_time(pid) is not None:
        if time.monotonic() > limit:
            return False
        time.sleep(0.02)
    return True
