"""The log of the action: a fold and a line for each stage, and at the end the report."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from pycache_action import wording
from pycache_action.changes import tell_changes, tell_counts
from pycache_action.progress import StepFollower
from pycache_action.report import Result
from pycache_action.untrusted import lines_of, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pycache_action.buildx.trace import Trace
    from pycache_action.causes import Cause
    from pycache_action.failure import Failure
    from pycache_action.github.workflow import WorkflowCommands
    from pycache_action.report import Report

FAILURE_LINES = 30
MOST_CHANGES = 30


class ActionLog:
    """Follows a run for the job's log. What happens in a stage is folded; what is said of it stands below the fold."""

    def __init__(self, commands: WorkflowCommands, clock: Callable[[], float] = time.time) -> None:
        self._commands = commands
        self._clock = clock
        self._follower = StepFollower(with_output=True)
        self._title = ""
        self._said: list[str] = []
        self._fold = contextlib.ExitStack()
        self._is_folded = False

    @contextlib.contextmanager
    def stage(self, title: str) -> Iterator[None]:
        """Begin a stage. Its fold opens with its first line, so that a stage without any has none."""
        self._title = title
        try:
            yield
        finally:
            self._unfold()
            for text in self._said:
                self._commands.write(f"{one_line(title)}: {one_line(text)}")
            self._said.clear()
            self._title = ""

    def say(self, text: str) -> None:
        """Tell in one line how the stage ended."""
        if self._title:
            self._said.append(text)
        else:
            self._commands.write(one_line(text))

    def update(self, trace: Trace) -> None:
        """Write what is new in a build, where the runner takes nothing for a command."""
        for line in self._follower.follow(trace, self._clock()):
            if self._title and not self._is_folded:
                self._is_folded = True
                self._fold.enter_context(self._commands.group(self._title))
                self._fold.enter_context(self._commands.stopped())
            self._commands.write(line)

    def _unfold(self) -> None:
        self._fold.close()
        self._is_folded = False


def write_report(commands: WorkflowCommands, report: Report, failure: Failure | None = None) -> None:
    """End the log with the verdict, what changed and why, and annotate the lines that did it."""
    verdict = wording.judge(report)
    commands.write(f"{verdict.title}: {one_line(report.image)}" if report.image else verdict.title)
    commands.write(verdict.sentence)
    if report.result is Result.FAILED and failure is not None:
        _write_failure(commands, report, failure)
    for cause in report.causes:
        _write_cause(commands, cause)
    _write_changes(commands, report)
    commands.write(wording.tell_saved(report))
    for warning in wording.tell_warnings(report):
        commands.warning(warning, title="pycache")
    for step in report.missed:
        _annotate_step(commands, report, step.line, step.causes)


def _write_failure(commands: WorkflowCommands, report: Report, failure: Failure) -> None:
    if lines_of(failure.log):
        with commands.group("The last lines of the step that failed"), commands.stopped():
            commands.write("\n".join(lines_of(failure.log, last=FAILURE_LINES)))
    commands.error(
        wording.tell_failure(failure),
        title="Build failed",
        file=report.dockerfile if failure.line else "",
        line=failure.line,
    )


def _write_cause(commands: WorkflowCommands, cause: Cause) -> None:
    place = wording.tell_place(cause.file, cause.line)
    background = wording.explain(cause)
    commands.write(
        " ".join(part for part in (f"{place}:" if place else "", one_line(cause.message), background) if part)
    )
    fix = wording.read_fix(cause)
    if fix.text:
        commands.write(f"  What helps: {fix.text}")
    for line in fix.code:
        commands.write(f"    {line}")


def _write_changes(commands: WorkflowCommands, report: Report) -> None:
    if report.difference is None or not report.missed:
        return
    rows = tell_changes(report.difference)
    if not rows:
        return
    with commands.group(f"What changed: {tell_counts(report.difference)}"):
        for row in rows[:MOST_CHANGES]:
            commands.write(f"{row.what:<18}{one_line(row.name)}  {one_line(row.before)} -> {one_line(row.after)}")
        if len(rows) > MOST_CHANGES:
            commands.write(f"and {len(rows) - MOST_CHANGES:,} more")


def _annotate_step(commands: WorkflowCommands, report: Report, line: int, causes: tuple[Cause, ...]) -> None:
    """The annotation of the Dockerfile's line that was not cached; a run has room for ten of them."""
    if not causes or wording.is_first_build(report):
        return
    reasons = " ".join(cause.message for cause in causes)
    commands.notice(reasons, title="This install was not cached", file=report.dockerfile, line=line)
