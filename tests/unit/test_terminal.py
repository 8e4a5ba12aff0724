"""What stands on the screen: with and without a terminal, wide and narrow, in colour and not."""

from __future__ import annotations

import dataclasses
import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console
from tests.support import reports
from tests.unit.github.test_markdown import HOSTILE
from tests.unit.github.test_render import hostile_report, huge_report
from tests.unit.test_progress import LOOP, replay

from pycache_action.causes import Cause, CauseId
from pycache_action.progress import State, Step, read_steps
from pycache_action.terminal import TerminalLog, make_console, print_report, render_steps

if TYPE_CHECKING:
    from pycache_action.report import Report


def show(report: Report, width: int = 100, *, colour: bool = False) -> str:
    stream = io.StringIO()
    console = Console(
        file=stream, width=width, force_terminal=colour, no_color=not colour, highlight=False, markup=False
    )
    print_report(console, report, reports.FAILURE)
    return "".join(f"{line.rstrip()}\n" for line in stream.getvalue().splitlines())


def test_print_report__dependencies_changed() -> None:
    assert show(reports.dependencies_changed()) == (
        "\n"
        "Everything was installed again: ghcr.io/acme/shop:pr-128\n"
        "All 28 packages were installed, which took 38 s.\n"
        "\n"
        "requirements.txt:14: Requests was upgraded from 2.31.0 to 2.32.3, pydantic was upgraded from 2.7.1\n"
        "to 2.9.2, httpx==0.27.2 was added, aiohttp was removed and 4 packages that others need changed. An\n"
        "install is cached as a whole: with one package changed, all are installed again.\n"
        "\n"
        "Package        Before  Now\n"
        "requests       2.31.0  2.32.3  upgraded\n"
        "pydantic       2.7.1   2.9.2   upgraded\n"
        "httpx          –       0.27.2  added\n"  # noqa: RUF001
        "aiohttp        3.9.5   –       removed\n"  # noqa: RUF001
        "pydantic-core  2.18.2  2.23.4  upgraded\n"
        "urllib3        2.2.1   2.2.3   upgraded\n"
        "h11            –       0.14.0  added\n"  # noqa: RUF001
        "httpcore       –       1.0.6   added\n"  # noqa: RUF001
        "\n"
        "Line          Install step                                        Status  Packages      Duration\n"
        "Dockerfile:7  RUN pip install --no-cache-dir -r requirements.txt  ran     28 installed      38 s\n"
        "\n"
        "Saved 5 layers (84 MB) in 3.2 s for the next build.\n"
        "cache look-up 0.4 s, build 47 s, save 3.2 s, total 52 s\n"
    )


def test_print_report__a_failed_build_shows_step_line_and_last_words() -> None:
    shown = show(reports.failed())
    assert "  ERROR: No matching distribution found for requests==2.99.0\n" in shown
    assert "Dockerfile:7: `RUN pip install --no-cache-dir -r requirements.txt` ended with exit code 1." in shown


def test_print_report__shows_the_lines_to_write() -> None:
    shown = show(reports.copied_first())
    assert "What helps: Copy the dependency files alone" in shown
    assert "\n    COPY requirements.txt .\n" in shown
    assert "Warning: requirements-dev.txt is read by no install step." in shown


@pytest.mark.parametrize("name", list(reports.SAMPLES))
@pytest.mark.parametrize("width", [20, 40, 60, 100, 300])
def test_print_report__fits_any_width(name: str, width: int) -> None:
    shown = show(reports.SAMPLES[name](), width)
    assert max(map(len, shown.splitlines())) <= width


def test_print_report__narrow_lists_steps_instead_of_a_table() -> None:
    shown = show(reports.two_platforms(), 40)
    assert "docker/Dockerfile:9: ran, 41 installed," in shown
    assert "Install step" not in shown


def test_print_report__colours_only_where_wanted() -> None:
    assert "\x1b[" not in show(reports.failed())
    assert "\x1b[1;31mThe build failed" in show(reports.failed(), colour=True)


@pytest.mark.parametrize("text", [*HOSTILE, "[bold red]x[/]", "[link=https://evil.example]x", "\x1b[2J\x1b]0;t\x07x"])
def test_print_report__nothing_moves_the_cursor_or_is_markup(text: str) -> None:
    shown = show(hostile_report(text))
    assert not [character for character in shown if not character.isprintable() and character != "\n"]
    if text.startswith("[bold"):
        assert "[bold red]x[/]" in shown


def test_print_report__of_more_than_anybody_reads() -> None:
    shown = show(huge_report())
    assert "and 1,980 more" in shown


def test_make_console__shows_what_the_stream_can() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    print_report(make_console(stream, colour=False), reports.dependencies_changed())
    stream.flush()
    assert b"requests" in raw.getvalue()


def follow(name: str, console: Console) -> None:
    log = TerminalLog(console, clock=lambda: 0.0)
    with log.stage("Dependencies"):
        log.say("1 dependency file; key app-1")
    with log.stage("Build"):
        for trace in replay(name):
            log.update(trace)
        log.say("Built in 1.4 s")
    log.say("Comment created: https://example.com/1")


def test_terminal_log__without_a_terminal_is_plain_lines() -> None:
    stream = io.StringIO()
    follow("build-cached", Console(file=stream, width=40))
    assert stream.getvalue().splitlines() == [
        "Dependencies  1 dependency file; key app-1",
        "done    [builder 1/4] FROM docker.io/library/python:3.11-slim",
        "cached  [builder 2/4] WORKDIR /app",
        "cached  [builder 3/4] COPY requirements.txt .",
        f"cached  {LOOP}",
        "cached  [stage-2 1/1] COPY . .",
        "Build  Built in 1.4 s",
        "Comment created: https://example.com/1",
    ]


def test_terminal_log__on_a_terminal_ends_with_all_steps() -> None:
    stream = io.StringIO()
    follow("build-cold", Console(file=stream, width=60, height=30, force_terminal=True, color_system=None))
    last = stream.getvalue().rsplit("\x1b[2K", 1)[-1]
    assert [line[:20] for line in last.splitlines() if line.startswith(("done", "cached"))] == [
        "done    [builder 1/4",
        "cached  [builder 2/4",
        "cached  [builder 3/4",
        "done    [builder 4/4",
        "done    [stage-2 1/1",
    ]
    assert "Build  Built in 1.4 s" in last


def test_terminal_log__a_build_that_raises_gives_the_terminal_back() -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=60, height=30, force_terminal=True, color_system=None)
    log = TerminalLog(console, clock=lambda: 0.0)
    with pytest.raises(KeyboardInterrupt), log.stage("Build"):
        interrupt(log)
    assert stream.getvalue().rstrip().endswith("\x1b[?25h")


def interrupt(log: TerminalLog) -> None:
    log.update(replay("build-cold")[-1])
    raise KeyboardInterrupt


def draw(steps: tuple[Step, ...], width: int, height: int) -> list[str]:
    stream = io.StringIO()
    Console(file=stream, width=width, no_color=True).print(render_steps(steps, height))
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def make_steps(states: list[State]) -> tuple[Step, ...]:
    return tuple(
        Step(
            digest=str(number),
            label=f"{number}/{len(states)}",
            instruction="RUN pip install -r requirements.txt",
            state=state,
            seconds=4.0,
            log="Downloading numpy\n" if state is State.RUNNING else "",
        )
        for number, state in enumerate(states, 1)
    )


def test_render_steps__what_runs_says_its_last_line() -> None:
    assert draw(make_steps([State.DONE, State.RUNNING]), 60, 40) == [
        "done    [1/2] RUN pip install -r requirements.txt      4.0 s",
        "runs    [2/2] RUN pip install -r requirements.txt      4.0 s",
        "          Downloading numpy",
    ]


@pytest.mark.parametrize("width", [20, 40, 80])
def test_render_steps__is_cut_to_the_width(width: int) -> None:
    assert max(map(len, draw(make_steps([State.FAILED, State.CACHED]), width, 40))) <= width


def test_render_steps__keeps_what_runs_where_there_is_little_room() -> None:
    states = [State.RUNNING, *[State.CACHED] * 30, State.FAILED, *[State.WAITING] * 30]
    lines = draw(make_steps(states), 80, 12)
    assert lines[0].strip() == "56 more steps"
    assert [line[:6].strip() for line in lines[1:]] == ["runs", "", *["cached"] * 4, "failed"]


def test_render_steps__of_nothing() -> None:
    assert draw((), 80, 24) in ([], [""])


def test_render_steps__of_a_recorded_build() -> None:
    lines = draw(read_steps(replay("build-failed")[-1], 0.0), 100, 40)
    assert lines[-1].startswith("failed  [failing 1/1] RUN --network=none echo")


def test_print_report__a_cause_without_a_place() -> None:
    cause = Cause(id=CauseId.CACHE_EVICTED, message="Its layer is no longer in the cache.")
    step = reports.make_step(cached=False, causes=(cause,))
    report = dataclasses.replace(reports.dependencies_changed(), steps=(step,), difference=None)
    assert "\nIts layer is no longer in the cache. A cache that is full" in show(report)
