"""Programs are followed to their end, whatever they do, and never outlive the call that started them."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pycache_action import process
from pycache_action.process import KEPT_BYTES, Completed, SystemProcesses

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real_processes

ENVIRONMENT = {"PATH": os.environ["PATH"]}
QUICK = 3.0
"""Seconds: no test here lasts longer unless the code under test waits for something it should not wait for."""


@pytest.fixture(autouse=True)
def _short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "GRACE_SECONDS", 0.4)
    monkeypatch.setattr(process, "POLL_SECONDS", 0.02)


def shell(script: str, **options: object) -> Completed:
    run: object = SystemProcesses().run
    assert callable(run)
    completed = run(["sh", "-c", script], environment=ENVIRONMENT, **options)
    assert isinstance(completed, Completed)
    return completed


@pytest.fixture
def leftover(tmp_path: Path) -> Iterator[Path]:
    """A file for the id of a process that must not outlive the test."""
    file = tmp_path / "leftover"
    yield file
    with contextlib.suppress(ProcessLookupError):
        os.kill(read_pid(file), signal.SIGKILL)


def is_running(pid: int) -> bool:
    """Whether there is such a process, zombies not counted."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_until_gone(pid: int) -> bool:
    ends = time.monotonic() + QUICK
    while is_running(pid) and time.monotonic() < ends:
        time.sleep(0.02)
    return not is_running(pid)


def read_pid(file: Path) -> int:
    ends = time.monotonic() + QUICK
    while time.monotonic() < ends:
        if file.is_file() and (text := file.read_text()).endswith("\n"):
            return int(text)
        time.sleep(0.01)
    raise AssertionError(f"{file} was not written")


def test_run__tells_how_it_ended() -> None:
    completed = shell("echo out; echo err >&2; exit 3")
    assert (completed.exit_code, completed.stdout, completed.stderr) == (3, "out\n", "err\n")
    assert completed.arguments == ("sh", "-c", "echo out; echo err >&2; exit 3")
    assert completed.stopped == ""
    assert 0 < completed.seconds < QUICK


def test_run__outputs_stand_in_no_repr() -> None:
    assert "secret" not in repr(shell("echo s''ecret; echo s''ecret >&2"))


def test_run__no_such_program() -> None:
    with pytest.raises(FileNotFoundError):
        SystemProcesses().run(["no-such-program-here"], environment=ENVIRONMENT)


def test_run__environment_is_exactly_what_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INPUT_PASSWORD", "hunter2")
    completed = SystemProcesses().run(["env"], environment={**ENVIRONMENT, "A": "1"})
    names = {line.partition("=")[0] for line in completed.stdout.splitlines()}
    assert names - {"LC_CTYPE"} == {"PATH", "A"}


def test_run__standard_input_is_empty_unless_given() -> None:
    assert shell("cat").stdout == ""
    assert shell("cat", standard_input=b"FROM scratch\n").stdout == "FROM scratch\n"


def test_run__standard_input_larger_than_a_pipe() -> None:
    data = b"x" * 1_000_000
    assert shell("cat", standard_input=data).stdout == data.decode()


def test_run__standard_input_that_nobody_reads() -> None:
    completed = shell("exit 7", standard_input=b"x" * 1_000_000)
    assert completed.exit_code == 7


def test_run__standard_input_that_is_closed_in_the_middle() -> None:
    completed = shell("head -c 10; exit 7", standard_input=b"x" * 5_000_000)
    assert (completed.exit_code, completed.stdout) == (7, "x" * 10)


def test_run__error_lines_come_one_by_one_and_at_once() -> None:
    came: list[tuple[str, float]] = []
    started = time.monotonic()
    shell(
        "printf 'one\\r\\ntwo\\n\\nthree' >&2; sleep 0.5",
        on_error_line=lambda line: came.append((line, time.monotonic() - started)),
    )
    assert [line for line, _ in came] == ["one", "two", "", "three"]
    assert came[0][1] < came[-1][1] - 0.3


def test_run__bytes_that_are_no_text() -> None:
    lines: list[str] = []
    completed = shell(r"printf 'a\377b\n' >&2; printf '\377'", on_error_line=lines.append)
    assert (lines, completed.stdout) == (["a\ufffdb"], "\ufffd")


def test_run__both_pipes_flooded_at_once() -> None:
    count = 60_000
    seen = 0

    def note(_: str) -> None:
        nonlocal seen
        seen += 1

    completed = shell(f"yes out | head -n {count} & yes err | head -n {count} >&2; wait", on_error_line=note)
    assert completed.exit_code == 0
    assert seen == count
    assert completed.stdout == "out\n" * count


def test_run__keeps_the_last_megabytes_only() -> None:
    size = 3 * KEPT_BYTES
    completed = shell(f"yes 0123456 | head -c {size}; echo end")
    assert len(completed.stdout) == KEPT_BYTES
    assert completed.stdout.endswith("end\n")


def test_run__many_lines_do_not_ask_the_watchdog_each() -> None:
    """A watchdog looks at the whole trace: thousands of log lines must not each cost that."""
    asked = 0

    def watchdog() -> str:
        nonlocal asked
        asked += 1
        return ""

    completed = shell("yes line | head -n 20000 >&2", watchdog=watchdog)
    assert asked <= 5 + completed.seconds / process.POLL_SECONDS


def test_run__the_watchdog_bites_while_lines_keep_coming() -> None:
    completed = shell("while :; do echo x >&2; done", watchdog=lambda: "enough")
    assert completed.stopped == "enough"
    assert completed.seconds < QUICK


def test_run__the_watchdog_bites_while_nothing_comes() -> None:
    started = time.monotonic()
    completed = shell("sleep 30", watchdog=lambda: "stalled" if time.monotonic() - started > 0.2 else "")
    assert completed.stopped == "stalled"
    assert completed.exit_code == -signal.SIGTERM
    assert 0.2 < completed.seconds < QUICK


def test_run__deadline() -> None:
    completed = shell("echo before; sleep 30", deadline=0.3)
    assert completed.stopped == "no answer within its deadline"
    assert completed.stdout == "before\n"
    assert 0.3 < completed.seconds < QUICK


def test_run__deadline_that_is_not_reached() -> None:
    assert shell("exit 0", deadline=30).stopped == ""


def test_run__deadline_holds_after_standard_error_is_closed() -> None:
    completed = shell("exec 2>&-; exec sleep 4", deadline=0.3)
    assert completed.stopped == "no answer within its deadline"
    assert completed.seconds < QUICK


def test_run__a_child_that_ignores_sigterm_is_killed() -> None:
    completed = shell("trap '' TERM; echo ready; while :; do sleep 0.05; done", deadline=0.3)
    assert completed.exit_code == -signal.SIGKILL
    assert completed.stopped
    assert completed.seconds < QUICK


def test_run__a_child_may_end_in_order() -> None:
    """buildx tells the daemon to cancel the solve before it goes."""
    completed = shell("trap 'echo cancelled; exit 5' TERM; while :; do sleep 0.02; done", deadline=0.3)
    assert (completed.exit_code, completed.stdout) == (5, "cancelled\n")


def test_run__children_of_the_child_end_too(tmp_path: Path) -> None:
    """`docker` starts buildx as a program of its own."""
    shell(f"sleep 60 & echo $! > {tmp_path}/pid; wait", deadline=0.3)
    assert wait_until_gone(read_pid(tmp_path / "pid"))


def test_run__children_of_the_child_that_ignore_sigterm_end_too(leftover: Path) -> None:
    started = time.monotonic()
    shell(f"sh -c 'trap \"\" TERM; echo $$ > {leftover}; exec sleep 4' & wait", deadline=0.5)
    assert time.monotonic() - started < QUICK
    assert wait_until_gone(read_pid(leftover))


def test_run__a_grandchild_that_keeps_the_pipes_does_not_keep_us(leftover: Path) -> None:
    """A program that has ended has answered, whoever still holds its pipes."""
    started = time.monotonic()
    completed = shell(f"sleep 4 & echo $! > {leftover}; echo done; exit 4")
    assert (completed.exit_code, completed.stdout, completed.stopped) == (4, "done\n", "")
    assert time.monotonic() - started < QUICK


def test_run__ctrl_c_ends_the_child(tmp_path: Path) -> None:
    def interrupt() -> None:
        read_pid(tmp_path / "pid")
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        shell(f"echo $$ > {tmp_path}/pid; exec sleep 40")
    thread.join()
    assert time.monotonic() - started < QUICK
    assert not is_running(read_pid(tmp_path / "pid"))


def test_run__the_terminals_ctrl_c_does_not_reach_the_child() -> None:
    """It is in a session of its own: we end it in order, it does not vanish under us."""
    completed = SystemProcesses().run(
        [sys.executable, "-c", "import os; print(os.getsid(0) == os.getpid())"], environment=ENVIRONMENT
    )
    assert completed.stdout == "True\n"


@pytest.mark.parametrize("source", ["on_error_line", "watchdog"])
def test_run__an_error_of_the_callers_ends_the_child(source: str, tmp_path: Path) -> None:
    def fail(*_: object) -> str:
        read_pid(tmp_path / "pid")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        shell(f"echo $$ > {tmp_path}/pid; echo line >&2; exec sleep 40", **{source: fail})
    assert not is_running(read_pid(tmp_path / "pid"))
