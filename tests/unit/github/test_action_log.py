"""The log of a job, as the runner shows it."""

from __future__ import annotations

import dataclasses
import io
import re

import pytest
from tests.support import reports
from tests.unit.github.test_markdown import HOSTILE
from tests.unit.github.test_render import hostile_report, huge_report
from tests.unit.github.test_workflow import is_command
from tests.unit.test_progress import LOOP, replay

from pycache_action.github.action_log import ActionLog, write_report
from pycache_action.github.workflow import WorkflowCommands
from pycache_action.report import Result


def follow(name: str) -> list[str]:
    stream = io.StringIO()
    log = ActionLog(WorkflowCommands(stream), clock=lambda: 0.0)
    with log.stage("Dependencies"):
        log.say("1 dependency file; key app-1")
    with log.stage("Build"):
        for trace in replay(name):
            log.update(trace)
        log.say("Built in 1.4 s")
    log.say("Comment created")
    return stream.getvalue().splitlines()


def test_action_log__folds_a_stage_and_says_one_line_of_it() -> None:
    lines = follow("build-cached")
    token = lines[2].removeprefix("::stop-commands::")
    assert lines == [
        "Dependencies: 1 dependency file; key app-1",
        "::group::Build",
        f"::stop-commands::{token}",
        "done    [builder 1/4] FROM docker.io/library/python:3.11-slim",
        "cached  [builder 2/4] WORKDIR /app",
        "cached  [builder 3/4] COPY requirements.txt .",
        f"cached  {LOOP}",
        "cached  [stage-2 1/1] COPY . .",
        f"::{token}::",
        "::endgroup::",
        "Build: Built in 1.4 s",
        "Comment created",
    ]


def test_action_log__what_a_build_prints_is_no_command() -> None:
    lines = follow("build-failed")
    assert "        [failing 1/1] ::error::not a command" in lines
    start, end = lines.index("::group::Build"), lines.index("::endgroup::")
    assert not [line for line in lines[start + 2 : end - 1] if is_command(line)]


def test_action_log__a_stage_that_raises_closes_its_fold() -> None:
    stream = io.StringIO()
    log = ActionLog(WorkflowCommands(stream), clock=lambda: 0.0)
    with pytest.raises(KeyboardInterrupt), log.stage("Build"):
        interrupt(log)
    assert stream.getvalue().endswith("::endgroup::\n")
    with log.stage("Save"):
        log.say("Not saved")
    assert stream.getvalue().endswith("Save: Not saved\n")


def interrupt(log: ActionLog) -> None:
    log.update(replay("build-cached")[-1])
    raise KeyboardInterrupt


def written(name: str) -> str:
    stream = io.StringIO()
    write_report(WorkflowCommands(stream), reports.SAMPLES[name](), reports.FAILURE)
    return stream.getvalue()


def test_write_report__dependencies_changed() -> None:
    text = written("dependencies-changed")
    assert text.startswith(
        "Everything was installed again: ghcr.io/acme/shop:pr-128\n"
        "All 28 packages were installed, which took 38 s.\n"
        "requirements.txt:14: Requests was upgraded"
    )
    assert (
        "::group::What changed: 3 added, 1 removed, 4 changed\nupgraded          requests  2.31.0 -> 2.32.3\n" in text
    )
    assert "::notice title=This install was not cached,file=Dockerfile,line=7::Requests was upgraded" in text


def test_write_report__a_first_build_annotates_nothing() -> None:
    assert "::notice" not in written("first-build")


def test_write_report__a_hit_is_three_lines() -> None:
    assert written("hit").count("\n") == 3


def test_write_report__a_failed_build_annotates_the_line_that_failed() -> None:
    text = written("failed")
    assert (
        "::error title=Build failed,file=Dockerfile,line=7::"
        "`RUN pip install --no-cache-dir -r requirements.txt` ended with exit code 1.\n"
    ) in text
    assert "ERROR: No matching distribution found for requests==2.99.0\n" in text


def test_write_report__shows_the_lines_to_write() -> None:
    assert "\n    COPY requirements.txt .\n" in written("copied-first")
    assert "::warning title=pycache::requirements-dev.txt is read by no install step.\n" in written("copied-first")


@pytest.mark.parametrize("result", list(Result))
@pytest.mark.parametrize("text", [*HOSTILE, "::error::x", "x\n::error::x", "x\r##[error]y", "  ::add-mask::e"])
def test_write_report__nobody_else_gives_commands(text: str, result: Result) -> None:
    stream = io.StringIO()
    failure = dataclasses.replace(reports.FAILURE, log=text, error=text, step=text)
    write_report(WorkflowCommands(stream), hostile_report(text, result), failure)
    for line in re.split(r"\r\n|\r|\n", stream.getvalue()):
        if is_command(line):
            assert re.match(r"::(group|endgroup|stop-commands|notice|warning|error)[ :]", line), line
            assert line.count("::") == 2 or "error::x" in text or "add-mask" in text, line


def test_write_report__of_more_than_anybody_reads() -> None:
    stream = io.StringIO()
    write_report(WorkflowCommands(stream), huge_report())
    assert "and 1,970 more\n" in stream.getvalue()
