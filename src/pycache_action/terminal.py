"""What `pycache build` shows: a live view where there is a terminal, else plain lines; at the end the report."""

from __future__ import annotations

import contextlib
import io
import time
from typing import TYPE_CHECKING, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pycache_action import wording
from pycache_action.changes import tell_changes
from pycache_action.progress import State, Step, StepFollower, read_steps, tell_seconds
from pycache_action.report import Result
from pycache_action.untrusted import lines_of, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import RenderableType

    from pycache_action.buildx.trace import Trace
    from pycache_action.causes import Cause
    from pycache_action.failure import Failure
    from pycache_action.report import Report

NARROW_COLUMNS = 60
MOST_CHANGES = 20
LONGEST_PLACE = 28
FAILURE_LINES = 20
LINES_AROUND_STEPS = 6

_STYLES = {
    State.WAITING: "dim",
    State.RUNNING: "bold",
    State.CACHED: "cyan",
    State.DONE: "green",
    State.FAILED: "bold red",
    State.CANCELLED: "dim",
}
_VERDICT_STYLES = {
    Result.HIT: "bold green",
    Result.PARTIAL: "bold yellow",
    Result.MISS: "bold yellow",
    Result.FAILED: "bold red",
}


def make_console(stream: TextIO, *, colour: bool = True) -> Console:
    """A console on `stream`. `colour` is off under `NO_COLOR`. A character the stream cannot show becomes `?`."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")
    return Console(file=stream, no_color=not colour, highlight=False, markup=False, emoji=False)


class TerminalLog:
    """Follows a run on a console: with a live view of the build's steps if it is a terminal, in plain lines if not."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.time) -> None:
        self._console = console
        self._clock = clock
        self._live: Live | None = None
        self._follower = StepFollower(with_output=False)
        self._said: list[str] = []
        self._title = ""

    @contextlib.contextmanager
    def stage(self, title: str) -> Iterator[None]:
        """Begin a stage; what is said of it stands on one line with its title when it ends."""
        self._title = title
        try:
            yield
        finally:
            self._stop()
            for text in self._said:
                self._print(Text(one_line(title), "bold").append(f"  {one_line(text)}", "not bold"))
            self._said.clear()
            self._title = ""

    def say(self, text: str) -> None:
        """Tell in one line how the stage ended."""
        if self._title:
            self._said.append(text)
        else:
            self._print(Text(one_line(text)))

    def update(self, trace: Trace) -> None:
        """Show where the build is."""
        if self._console.is_terminal:
            if self._live is None:
                self._live = Live(console=self._console, auto_refresh=False, vertical_overflow="crop")
                self._live.start()
            self._live.update(render_steps(read_steps(trace, self._clock()), self._console.height), refresh=True)
            return
        for line in self._follower.follow(trace, self._clock()):
            self._print(Text(line))

    def _print(self, text: Text) -> None:
        """A file has no width to break lines at."""
        self._console.print(text, soft_wrap=not self._console.is_terminal)

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def render_steps(steps: tuple[Step, ...], height: int) -> RenderableType:
    """The steps with what they took, as many as fit: those that run come before those that ended long ago."""
    room = max(3, height - LINES_AROUND_STEPS)
    shown = _choose(steps, room)
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(width=7, no_wrap=True)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column(justify="right", no_wrap=True)
    if len(shown) < len(steps):
        table.add_row("", Text(f"{wording.count(len(steps) - len(shown), 'more step')}", "dim"), "")
    for step in shown:
        style = _STYLES[step.state]
        name = Text(step.name, style if step.state is State.FAILED else "")
        table.add_row(Text(step.state.value, style), name, tell_seconds(step))
        if step.state is State.RUNNING and (said := lines_of(step.log, last=1)):
            table.add_row("", Text(f"  {said[0].strip()}", "dim"), "")
    return table


def _choose(steps: tuple[Step, ...], room: int) -> tuple[Step, ...]:
    if len(steps) <= room:
        return steps
    urgent = [step for step in steps if step.state in (State.RUNNING, State.FAILED)]
    ended = [step for step in steps if step.state in (State.DONE, State.CACHED)]
    rest = max(0, room - len(urgent))
    chosen = {id(step) for step in (*urgent[-room:], *(ended[-rest:] if rest else ()))}
    return tuple(step for step in steps if id(step) in chosen)


def print_report(console: Console, report: Report, failure: Failure | None = None) -> None:
    """Print the verdict, the install steps, what changed and why, what was saved."""
    verdict = wording.judge(report)
    title = Text(verdict.title, _VERDICT_STYLES[report.result])
    if report.image:
        title.append(f": {one_line(report.image)}", "default not bold")
    console.print()
    console.print(title)
    console.print(Text(verdict.sentence))
    if report.result is Result.FAILED and failure is not None:
        _print_failure(console, report, failure)
    for cause in report.causes:
        console.print()
        _print_cause(console, cause)
    _print_changes(console, report)
    if report.steps:
        console.print()
        console.print(_list_steps(report) if console.width < NARROW_COLUMNS else _tabulate_steps(report))
    console.print()
    console.print(Text(one_line(wording.tell_saved(report)), "dim"))
    timings = ", ".join(f"{name.lower()} {took}" for name, took in wording.tell_timings(report))
    console.print(Text(timings, "dim"))
    for warning in wording.tell_warnings(report):
        console.print(Text("Warning: ", "yellow").append(one_line(warning), "default"))


def _tabulate_steps(report: Report) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("Line", overflow="fold", max_width=LONGEST_PLACE)
    table.add_column("Install step", ratio=1, overflow="fold")
    for name in ("Status", "Packages"):
        table.add_column(name, no_wrap=True)
    table.add_column("Duration", justify="right", no_wrap=True)
    for step in report.steps:
        table.add_row(
            Text(wording.tell_place(one_line(report.dockerfile), step.line)),
            Text(one_line(wording.tell_step_name(step, report), 200)),
            Text(wording.tell_status(step), "cyan" if step.cached else "yellow"),
            Text(wording.tell_packages(step.packages) or wording.NOTHING),
            Text(wording.NOTHING if step.cached else wording.duration(step.seconds)),
        )
    return table


def _list_steps(report: Report) -> RenderableType:
    lines: list[RenderableType] = []
    for step in report.steps:
        took = "" if step.cached else f", {wording.duration(step.seconds)}"
        packages = f", {told}" if (told := wording.tell_packages(step.packages)) else ""
        place = wording.tell_place(one_line(report.dockerfile), step.line)
        lines.append(Text(f"{place}: {wording.tell_status(step)}{packages}{took}"))
        lines.append(Padding(Text(one_line(wording.tell_step_name(step, report), 200), "dim"), (0, 0, 0, 2)))
    return Group(*lines)


def _print_changes(console: Console, report: Report) -> None:
    if report.difference is None or not report.missed:
        return
    rows = tell_changes(report.difference)
    if not rows:
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("Package", overflow="fold")
    table.add_column("Before", overflow="fold")
    table.add_column("Now", overflow="fold")
    table.add_column("", overflow="fold")
    for row in rows[:MOST_CHANGES]:
        cells = (row.name, row.before, row.after, row.what)
        table.add_row(*(Text(one_line(each, 100), "" if row.direct else "dim") for each in cells))
    console.print()
    console.print(table)
    if len(rows) > MOST_CHANGES:
        console.print(Text(f"and {len(rows) - MOST_CHANGES:,} more", "dim"))


def _print_cause(console: Console, cause: Cause) -> None:
    place = wording.tell_place(one_line(cause.file), cause.line)
    text = Text(f"{place}: " if place else "", "bold")
    text.append(one_line(cause.message), "not bold")
    if background := wording.explain(cause):
        text.append(f" {background}", "not bold dim")
    console.print(text)
    fix = wording.read_fix(cause)
    if fix.text:
        console.print(Text("What helps: ", "green").append(one_line(fix.text), "default"))
    for line in fix.code:
        for each in lines_of(line):
            console.print(Padding(Text(each), (0, 0, 0, 4)))


def _print_failure(console: Console, report: Report, failure: Failure) -> None:
    console.print()
    for line in lines_of(failure.log, last=FAILURE_LINES, limit=400):
        console.print(Padding(Text(line, "dim"), (0, 0, 0, 2)))
    place = wording.tell_place(one_line(report.dockerfile), failure.line) if failure.line else ""
    text = Text(f"{place}: " if place else "", "bold")
    console.print(text.append(one_line(wording.tell_failure(failure), 600), "red not bold"))
