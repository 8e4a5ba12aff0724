"""Ends a build whose cache does not answer: BuildKit itself would wait for ever.

Only cache traffic is judged. While a RUN is running nothing is, since steps may be silent as long as they like; but a RUN
that needs the layer that comes has started in name only.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pycache_action.buildx.trace import Trace, TraceRecorder, Transfer, Vertex

IMPORT_SECONDS = 10.0
"""An index of a cache that is not there after this long is given up."""
STALL_SECONDS = 10.0
"""A layer of which nothing came for this long is given up."""
LEFTOVER_SECONDS = 4.0
"""The same for a build that imports nothing: such a layer is one that an earlier build left behind."""
SLOWEST_PACE = 50_000
"""Bytes a second: below it installing anew is faster than waiting."""


class ImportWatchdog:
    """Watches what is read from caches during a build; called, it answers with the reason to stop, or nothing."""

    def __init__(
        self,
        recorder: TraceRecorder,
        clock: Callable[[], float] = time.monotonic,
        stall_seconds: float = STALL_SECONDS,
    ) -> None:
        self._recorder = recorder
        self._clock = clock
        self._stall_seconds = stall_seconds
        self._import_began: float | None = None
        self._received: deque[tuple[float, int]] = deque()

    def __call__(self) -> str:
        now = self._clock()
        trace = self._recorder.trace()
        importing = any(v.reads_index and v.running for v in trace.vertices)
        self._import_began = (self._import_began or now) if importing else None
        if self._import_began is not None and now - self._import_began > IMPORT_SECONDS:
            return f"the cache's index did not come within {IMPORT_SECONDS:.0f} s"
        return self._judge_layers(trace, now)

    def _judge_layers(self, trace: Trace, now: float) -> str:
        coming = _find_coming(trace)
        if not coming or _is_busy(trace, coming):
            self._received.clear()
            return ""
        self._received.append((now, sum(layer.current for vertex in trace.vertices for layer in _layers(vertex))))
        while len(self._received) > 2 and now - self._received[1][0] >= self._stall_seconds:
            self._received.popleft()
        (since, first), (_, last) = self._received[0], self._received[-1]
        if now - since < self._stall_seconds:
            return ""
        pace = (last - first) / (now - since)
        if pace >= SLOWEST_PACE:
            return ""
        return f"layers came from the cache at {pace / 1000:.0f} kB/s"


class ExportWatchdog:
    """Watches a cache being written. BuildKit does not say how much of a layer has gone out, so after a silence it asks
    `answers`, which writes something small to the same place; a server that takes it may have its time.
    """

    def __init__(
        self, recorder: TraceRecorder, answers: Callable[[], bool], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._recorder = recorder
        self._answers = answers
        self._clock = clock
        self._began = clock()
        self._quiet_since = self._began
        self._events = 0

    def __call__(self) -> str:
        now = self._clock()
        trace = self._recorder.trace()
        if self._recorder.events != self._events or _is_preparing(trace):
            self._events, self._quiet_since = self._recorder.events, now
        if now - self._began > LONGEST_EXPORT_SECONDS:
            return f"saving took longer than {LONGEST_EXPORT_SECONDS / 60:.0f} min"
        if now - self._quiet_since > QUIET_SECONDS and _exports(trace):
            if not self._answers():
                return "it stopped answering while the cache was saved"
            self._quiet_since = self._clock()
        return ""


QUIET_SECONDS = 8.0
LONGEST_EXPORT_SECONDS = 600.0


def _exports(trace: Trace) -> bool:
    return any(vertex.writes_cache and vertex.running for vertex in trace.vertices)


def _is_preparing(trace: Trace) -> bool:
    """Whether layers are being compressed, and none is written yet: that is work, and no waiting for a server."""
    said = [t.id for v in trace.vertices if v.writes_cache for t in v.transfers]
    return any(id_.startswith("preparing") for id_ in said) and not any(id_.startswith("writing") for id_ in said)


def _is_busy(trace: Trace, coming: set[str]) -> bool:
    """Whether a RUN runs that needs nothing of what is coming (vertices, by digest)."""
    inputs = {vertex.digest: vertex.inputs for vertex in trace.vertices}
    running = (
        v.digest for v in trace.vertices if v.running and not v.cached and _is_step(v) and v.digest not in coming
    )
    return any(not (_ancestors(digest, inputs) & coming) for digest in running)


def _ancestors(digest: str, inputs: Mapping[str, tuple[str, ...]]) -> set[str]:
    found: set[str] = set()
    left = list(inputs.get(digest, ()))
    while left:
        each = left.pop()
        if each not in found:
            found.add(each)
            left += inputs.get(each, ())
    return found


def _is_step(vertex: Vertex) -> bool:
    return vertex.name.startswith("[") and "] RUN " in vertex.name


def _is_base(vertex: Vertex) -> bool:
    return vertex.name.startswith("[") and "] FROM " in vertex.name


def _layers(vertex: Vertex) -> list[Transfer]:
    """The layers that come for this vertex from a cache; a base image's come from its own registry."""
    return [] if _is_base(vertex) else [each for each in vertex.transfers if each.id.startswith("sha256:")]


def _find_coming(trace: Trace) -> set[str]:
    """The vertices of which a layer is on its way, by digest."""
    return {
        vertex.digest
        for vertex in trace.vertices
        if any(not layer.completed and layer.current < max(layer.total, 1) for layer in _layers(vertex))
    }
