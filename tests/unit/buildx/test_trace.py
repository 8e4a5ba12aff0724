"""The status stream is folded into vertices, whatever comes along it."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.recordings.session import read_session

from pycache_action.buildx.trace import KEPT_LOG_CHARACTERS, Trace, TraceRecorder, Vertex

A = "sha256:" + "a" * 64


def record(*statuses: dict[str, Any] | str) -> Trace:
    recorder = TraceRecorder()
    for status in statuses:
        recorder.feed(status if isinstance(status, str) else json.dumps(status))
    return recorder.trace()


def vertex(*updates: dict[str, Any]) -> Vertex:
    """The vertex that these updates tell of."""
    (found,) = record(*({"vertexes": [{"digest": A, **update}]} for update in updates)).vertices
    return found


def at(seconds: float) -> str:
    return f"2026-01-01T00:00:{seconds:012.9f}Z"


def read_trace(name: str, call: int = 0) -> Trace:
    return record(*read_session(name)[call].stderr.splitlines())


def test_feed__one_vertex_told_bit_by_bit() -> None:
    found = vertex(
        {"name": "[1/2] RUN x", "inputs": ["sha256:b"]},
        {"name": "[1/2] RUN x", "inputs": ["sha256:b"], "started": at(1)},
        {"name": "[1/2] RUN x", "inputs": ["sha256:b"], "started": at(1), "completed": at(3.5)},
    )
    assert (found.name, found.inputs) == ("[1/2] RUN x", ("sha256:b",))
    assert found.executed
    assert not found.running
    assert found.seconds == pytest.approx(2.5)


def test_feed__cached() -> None:
    found = vertex({"name": "x", "started": at(1), "completed": at(1), "cached": True})
    assert found.cached
    assert not found.executed
    assert found.seconds == 0


def test_feed__never_started() -> None:
    found = vertex({"name": "x"})
    assert not found.executed
    assert not found.running
    assert found.seconds == 0


def test_feed__started_anew_it_runs_again() -> None:
    found = vertex(
        {"name": "x", "started": at(1), "completed": at(2)},
        {"name": "x", "started": at(3)},
    )
    assert found.running
    assert found.seconds == 0


def test_feed__cached_it_stays_while_its_layers_are_fetched() -> None:
    """BuildKit starts a cached vertex anew to download and unpack it, and does not say again that it is cached."""
    found = vertex(
        {"name": "x", "started": at(1), "completed": at(1), "cached": True},
        {"name": "x", "started": at(2)},
        {"name": "x", "started": at(2), "completed": at(9)},
    )
    assert found.cached
    assert not found.executed


def test_feed__a_late_first_notice_does_not_undo_the_end() -> None:
    found = vertex({"name": "x", "started": at(1), "completed": at(2)}, {"name": "x"})
    assert found.executed
    assert not found.running


@pytest.mark.parametrize("text", ["2026-01-01T00:00:01Z", "2026-01-01T00:00:01.5Z", "2026-01-01T00:00:01.123456789Z"])
def test_feed__times_as_go_writes_them(text: str) -> None:
    assert vertex({"name": "x", "started": text}).started is not None


@pytest.mark.parametrize("value", [None, 7, "", "yesterday", {}, "0001-01-01T00:00:00Z"])
def test_feed__times_that_are_none(value: object) -> None:
    assert vertex({"name": "x", "started": value, "completed": value}).seconds == 0


def test_feed__completed_before_it_started() -> None:
    """Clocks of builder and machine differ."""
    assert vertex({"name": "x", "started": at(5), "completed": at(1)}).seconds == 0


def test_failed__what_ended_the_build_and_nothing_else() -> None:
    trace = record(
        {"vertexes": [{"digest": A, "name": "x", "error": "exit code: 1"}]},
        {"vertexes": [{"digest": "sha256:b", "name": "y", "error": "context canceled: context canceled"}]},
        {"vertexes": [{"digest": "sha256:c", "name": "importing cache manifest from z", "error": "z: not found"}]},
    )
    assert [each.error for each in trace.failed] == ["exit code: 1"]


def test_feed__logs_are_joined_and_only_the_end_is_kept() -> None:
    def said(text: bytes) -> dict[str, Any]:
        return {"logs": [{"vertex": A, "stream": 1, "data": base64.b64encode(text).decode()}]}

    assert record(said(b"one\n"), said(b"two\xff\n")).vertices[0].log == "one\ntwo\ufffd\n"
    long = record(*(said(b"0123456789" * 1000) for _ in range(20)), said(b"end\n")).vertices[0].log
    assert len(long) == KEPT_LOG_CHARACTERS
    assert long.endswith("9end\n")


def test_feed__logs_that_are_no_base64() -> None:
    assert record({"logs": [{"vertex": A, "data": "?"}, {"vertex": A, "data": 5}]}).vertices[0].digest == A


def test_feed__transfers_of_a_vertex_by_id() -> None:
    wire = {"vertex": A, "id": "sha256:x", "name": "", "total": 10}
    trace = record({"statuses": [{**wire, "current": 1}]}, {"statuses": [{**wire, "current": 10, "completed": at(2)}]})
    (transfer,) = trace.vertices[0].transfers
    assert (transfer.id, transfer.current, transfer.total, transfer.completed) == ("sha256:x", 10, 10, True)


def test_feed__words_of_buildx_are_kept_apart() -> None:
    trace = record("WARNING: no output", "", "   ", "{not json", '["a list"]', "ERROR: failed to build")
    assert trace.vertices == ()
    assert trace.messages == ("WARNING: no output", "{not json", '["a list"]', "ERROR: failed to build")


def test_feed__the_last_words_are_kept_however_many_came_before() -> None:
    assert record(*(f"WARNING: {n}" for n in range(1000)), "ERROR: it failed").messages[-1] == "ERROR: it failed"


def test_find__by_digest() -> None:
    trace = record({"vertexes": [{"digest": A, "name": "x"}]})
    assert trace.find(A) == trace.vertices[0]
    assert trace.find("sha256:other") is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.text())
def test_feed__any_line(line: str) -> None:
    record(line)


@given(st.dictionaries(st.sampled_from(["vertexes", "statuses", "logs", "warnings"]), JSON))
def test_feed__any_status(status: dict[str, Any]) -> None:
    record(status)


def test_trace__recorded_build_cold() -> None:
    trace = read_trace("pip-cold", 1)
    (install,) = (each for each in trace.vertices if "] RUN " in each.name)
    assert install.executed
    assert 0 < install.seconds < 60
    assert "Successfully installed" in install.log
    assert trace.failed == ()


def test_trace__recorded_build_from_a_cache() -> None:
    trace = read_trace("pip-unchanged", 1)
    (install,) = (each for each in trace.vertices if "] RUN " in each.name)
    assert install.cached
    assert not install.executed


def test_trace__recorded_failure() -> None:
    trace = read_trace("failing-step")
    assert [each.name for each in trace.failed if "] RUN " in each.name]
    assert trace.messages[-1].startswith("ERROR: failed to build: failed to solve: process")


def test_trace__a_long_build_is_folded_in_no_time() -> None:
    """500 vertices and 20,000 lines of log; taken four times a second, each trace must be cheap."""
    recorder = TraceRecorder()
    names = [f"sha256:{number:064x}" for number in range(500)]
    log = base64.b64encode(b"Collecting something-or-other==1.2.3\n").decode()
    began = time.perf_counter()
    for digest in names:
        recorder.feed(json.dumps({"vertexes": [{"digest": digest, "name": f"RUN {digest}", "started": at(1)}]}))
    for number in range(20_000):
        recorder.feed(json.dumps({"logs": [{"vertex": names[number % 500], "data": log}]}))
    assert time.perf_counter() - began < 3
    began = time.perf_counter()
    for _ in range(20):
        recorder.trace()
    assert (time.perf_counter() - began) / 20 < 0.05
