"""A build followed step by step, on streams of real builds (see recordings/README.md)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycache_action.buildx.trace import Trace, TraceRecorder, Vertex
from pycache_action.failure import Failure, find_failure
from pycache_action.progress import State, StepFollower, read_steps, tell_step

RECORDINGS = Path(__file__).parent / "recordings"
LOOP = (
    "[builder 4/4] RUN --network=none for i in 1 2 3; do echo Collecting package-$i; sleep 0.4; done;"
    ' echo "nonce $NONCE" 2'
)


def replay(name: str) -> list[Trace]:
    """The trace after each line of a recorded stream."""
    recorder = TraceRecorder()
    traces = []
    for line in (RECORDINGS / f"{name}.jsonl").read_text().splitlines():
        recorder.feed(line)
        traces.append(recorder.trace())
    return traces


def follow(name: str, *, with_output: bool = False) -> list[str]:
    follower = StepFollower(with_output=with_output)
    told: list[str] = []
    for trace in replay(name):
        now = max((vertex.started or 0.0 for vertex in trace.vertices), default=0.0) + 0.6
        told += follower.follow(trace, now)
    return told


def make_vertex(name: str = "[1/2] RUN x", **details: object) -> Vertex:
    return Vertex(digest=str(details.pop("digest", name)), name=name, **details)  # type: ignore[arg-type]


def test_read_steps__in_the_order_of_the_dockerfile() -> None:
    steps = read_steps(replay("build-cold")[-1], 0.0)
    assert [(step.label, step.state) for step in steps] == [
        ("builder 1/4", State.DONE),
        ("builder 2/4", State.CACHED),
        ("builder 3/4", State.CACHED),
        ("builder 4/4", State.DONE),
        ("stage-2 1/1", State.DONE),
    ]
    assert steps[0].instruction == "FROM docker.io/library/python:3.11-slim"
    assert 1 < steps[3].seconds < 3


def test_follow__tells_each_step_once() -> None:
    lines = follow("build-cold")
    assert [line.split("]")[0] for line in lines] == [
        "runs    [builder 1/4",
        "done    [builder 1/4",
        "cached  [builder 2/4",
        "cached  [builder 3/4",
        "runs    [builder 4/4",
        "done    [builder 4/4",
        "runs    [stage-2 1/1",
        "done    [stage-2 1/1",
    ]


def test_follow__of_a_cached_build_is_a_line_a_step() -> None:
    lines = [line for line in follow("build-cached") if not line.startswith("runs")]
    assert [line.split("]")[0] for line in lines] == [
        "done    [builder 1/4",
        "cached  [builder 2/4",
        "cached  [builder 3/4",
        "cached  [builder 4/4",
        "cached  [stage-2 1/1",
    ]


def test_follow__tells_output_once_and_in_whole_lines() -> None:
    lines = [line for line in follow("build-cold", with_output=True) if "Collecting package-$i" not in line]
    output = [line.strip() for line in lines if line.startswith("        ")]
    assert output == [
        "[builder 4/4] Collecting package-1",
        "[builder 4/4] Collecting package-2",
        "[builder 4/4] Collecting package-3",
        "[builder 4/4] nonce  2",
    ]


def test_follow__output_of_which_only_the_end_is_kept() -> None:
    follower = StepFollower(with_output=True)
    told: list[str] = []
    for first, last in ((0, 500), (300, 800), (1000, 1010)):
        log = "".join(f"line {number}\n" for number in range(first, last))
        trace = Trace((make_vertex(started=0.0, log=log),))
        told += follower.follow(trace, 1.0)
    numbers = [int(line.split()[-1]) for line in told if "line" in line]
    assert numbers == [*range(800), *range(1000, 1010)]


def test_follow__a_step_that_is_over_at_once_is_not_announced() -> None:
    follower = StepFollower(with_output=False)
    running = Trace((make_vertex(started=10.0),))
    done = Trace((make_vertex(started=10.0, completed=10.2),))
    assert list(follower.follow(running, 10.1)) == []
    assert list(follower.follow(done, 10.3)) == ["done    [1/2] RUN x  0.2 s"]
    assert list(follower.follow(done, 99.0)) == []


def test_read_steps__housekeeping_only_where_it_takes_time() -> None:
    quick = make_vertex("[internal] load .dockerignore", started=0.0, completed=0.2)
    push = make_vertex("pushing layers", started=0.0)
    trace = Trace((quick, push))
    assert [step.name for step in read_steps(trace, 5.0)] == ["pushing layers"]
    assert read_steps(trace, 0.5) == ()


@pytest.mark.parametrize(
    ("name", "label", "instruction"),
    [
        ("[4/5] RUN x", "4/5", "RUN x"),
        ("[builder 4/5] RUN x", "builder 4/5", "RUN x"),
        ("[linux/arm64 builder 4/5] RUN x", "linux/arm64 builder 4/5", "RUN x"),
        ("[2/2] RUN <<EOF\nset -e\n\x1b[31mx", "2/2", "RUN <<EOF set -e x"),
    ],
)
def test_read_steps__reads_names(name: str, label: str, instruction: str) -> None:
    (step,) = read_steps(Trace((make_vertex(name),)), 0.0)
    assert (step.label, step.instruction, step.state) == (label, instruction, State.WAITING)


def test_read_steps__what_others_stopped_did_not_fail() -> None:
    trace = Trace(
        (
            make_vertex("[1/2] RUN a", error="process did not complete successfully: exit code: 1"),
            make_vertex("[2/2] RUN b", error="failed to create lease: context canceled: context canceled"),
        )
    )
    assert [step.state for step in read_steps(trace, 0.0)] == [State.FAILED, State.CANCELLED]


def test_read_steps__a_builder_whose_clock_is_ahead() -> None:
    (step,) = read_steps(Trace((make_vertex(started=100.0),)), 50.0)
    assert step.seconds == 0.0
    assert tell_step(step) == "runs    [1/2] RUN x"


def test_read_steps__inputs_in_a_circle_do_not_hang() -> None:
    a = make_vertex("[1/2] RUN a", digest="a", inputs=("b",))
    b = make_vertex("[2/2] RUN b", digest="b", inputs=("a", "gone"))
    assert len(read_steps(Trace((a, b)), 0.0)) == 2


@given(st.text(), st.text())
def test_follow__whatever_a_step_prints(name: str, log: str) -> None:
    follower = StepFollower(with_output=True)
    vertex = make_vertex(f"[1/1] {name}", started=0.0, completed=3.0, log=log)
    for line in follower.follow(Trace((vertex,)), 4.0):
        assert "\n" not in line
        assert "\x1b" not in line


def test_find_failure__of_a_recorded_build() -> None:
    failure = find_failure(replay("build-failed")[-1])
    assert (failure.file, failure.line) == ("Dockerfile", 6)
    assert failure.step.startswith("[failing 1/1] RUN --network=none echo")
    assert failure.error.startswith('process "/bin/sh -c echo')
    assert failure.error.endswith("did not complete successfully: exit code: 1")
    assert "No matching distribution found for requests==2.99.0" in failure.log


def test_find_failure__before_any_step() -> None:
    messages = ("ERROR: failed to build: failed to read dockerfile: open Dockerfile: no such file or directory",)
    error = "failed to read dockerfile: open Dockerfile: no such file or directory"
    assert find_failure(Trace((), messages)) == Failure(error=error)


def test_find_failure__without_a_word() -> None:
    assert find_failure(Trace()).error == "the build ended without a word"
