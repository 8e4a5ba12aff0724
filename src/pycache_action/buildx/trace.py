"""What BuildKit said it did, folded from the status stream of `buildx build --progress=rawjson`.

The stream repeats each vertex with what became known of it; wire types:
https://github.com/moby/buildkit/blob/v0.25.0/client/graph.go
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

CACHE_IMPORT = "importing cache manifest"
# Each backend has a name of its own: https://github.com/moby/buildkit/tree/v0.25.0/cache/remotecache
CACHE_EXPORTS = (
    "exporting cache",
    "exporting to GitHub Actions Cache",
    "exporting inline cache",
    "exporting content cache",
)
KEPT_LOG_CHARACTERS = 16_384
KEPT_MESSAGES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A blob on its way, or another progress line of a vertex; `current` and `total` are bytes, `total` 0 if unknown."""

    id: str
    name: str
    current: int
    total: int
    completed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Vertex:
    """One operation of a solve. Times are seconds since the epoch, None where it has not come to that."""

    digest: str
    name: str
    inputs: tuple[str, ...] = ()
    cached: bool = False
    started: float | None = None
    completed: float | None = None
    error: str = ""
    transfers: tuple[Transfer, ...] = ()
    log: str = ""

    @property
    def executed(self) -> bool:
        """Whether it really ran: a vertex whose result was not needed is neither cached nor started."""
        return self.started is not None and not self.cached

    @property
    def running(self) -> bool:
        """Whether it has started and not ended."""
        return self.started is not None and self.completed is None

    @property
    def reads_index(self) -> bool:
        """Whether this is the index of a cache being read."""
        return self.name.startswith(CACHE_IMPORT)

    @property
    def writes_cache(self) -> bool:
        """Whether this is a cache being written."""
        return self.name.startswith(CACHE_EXPORTS)

    @property
    def seconds(self) -> float:
        """How long it ran; 0 where it was cached or has not ended."""
        if not self.executed or self.started is None or self.completed is None:
            return 0.0
        return max(0.0, self.completed - self.started)


@dataclass(frozen=True, slots=True)
class Trace:
    """All vertices of a build in the order they were named, and what buildx said outside the stream."""

    vertices: tuple[Vertex, ...] = ()
    messages: tuple[str, ...] = ()

    def find(self, digest: str) -> Vertex | None:
        """The vertex of this digest, if the build named it."""
        return next((vertex for vertex in self.vertices if vertex.digest == digest), None)

    @property
    def failed(self) -> tuple[Vertex, ...]:
        """The vertices whose error ended the build: not the cancelled ones, nor caches that could not be read."""
        return tuple(
            v
            for v in self.vertices
            if v.error and "context canceled" not in v.error and not v.reads_index and not v.writes_cache
        )


@dataclass(slots=True)
class _Folded:
    digest: str
    name: str = ""
    inputs: tuple[str, ...] = ()
    cached: bool = False
    started: float | None = None
    completed: float | None = None
    error: str = ""
    transfers: dict[str, Transfer] = field(default_factory=dict)
    log: str = ""

    def update(self, wire: dict[str, Any]) -> None:
        self.name = str(wire.get("name") or self.name)
        self.inputs = tuple(str(digest) for digest in wire.get("inputs") or ()) or self.inputs
        self.started = _parse_time(wire.get("started")) or self.started
        # A vertex can be started anew; it is then no longer complete.
        self.completed = _parse_time(wire.get("completed")) if wire.get("started") else self.completed
        if wire.get("started") and wire.get("inputs"):
            # The solver's own word: where a cached layer turns out to be gone, the step runs after all, without the error.
            self.cached = bool(wire.get("cached"))
            self.error = str(wire.get("error") or "")
        else:
            # A download's (https://github.com/moby/buildkit/blob/v0.25.0/util/progress/controller/controller.go), which
            # knows nothing of the cache.
            self.cached = bool(wire.get("cached", self.cached))
            self.error = str(wire.get("error") or self.error)

    def freeze(self) -> Vertex:
        return Vertex(
            digest=self.digest,
            name=self.name,
            inputs=self.inputs,
            cached=self.cached,
            started=self.started,
            completed=self.completed,
            error=self.error,
            transfers=tuple(self.transfers.values()),
            log=self.log,
        )


class TraceRecorder:
    """Folds the stream line by line; `trace` can be taken at any time."""

    def __init__(self) -> None:
        self._vertices: dict[str, _Folded] = {}
        self._messages: deque[str] = deque(maxlen=KEPT_MESSAGES)
        self.events = 0

    def feed(self, line: str) -> None:
        """Take one line of standard error: a status, or words of buildx's own."""
        try:
            status = json.loads(line) if line.startswith("{") else None
        except ValueError:
            status = None
        if not isinstance(status, dict):
            if line.strip():
                self._messages.append(line.strip())
            return
        self.events += 1
        # What is not shaped as the stream's types is passed over: it only serves to explain.
        with contextlib.suppress(TypeError, ValueError, AttributeError, OverflowError):
            self._fold(status)

    def _fold(self, status: dict[str, Any]) -> None:
        for wire in status.get("vertexes") or ():
            self._vertex(str(wire.get("digest"))).update(wire)
        for wire in status.get("statuses") or ():
            transfer = _parse_transfer(wire)
            self._vertex(str(wire.get("vertex"))).transfers[transfer.id] = transfer
        for wire in status.get("logs") or ():
            vertex = self._vertex(str(wire.get("vertex")))
            vertex.log = (vertex.log + _parse_log(wire.get("data")))[-KEPT_LOG_CHARACTERS:]

    def trace(self) -> Trace:
        """What is known by now."""
        return Trace(tuple(v.freeze() for v in self._vertices.values()), tuple(self._messages))

    def _vertex(self, digest: str) -> _Folded:
        return self._vertices.setdefault(digest, _Folded(digest))


def _parse_transfer(wire: dict[str, Any]) -> Transfer:
    return Transfer(
        id=str(wire.get("id")),
        name=str(wire.get("name") or ""),
        current=int(wire.get("current") or 0),
        total=int(wire.get("total") or 0),
        completed=bool(wire.get("completed")),
    )


def _parse_log(data: object) -> str:
    try:
        return base64.b64decode(str(data or "")).decode(errors="replace")
    except (binascii.Error, ValueError):
        return ""


def _parse_time(text: object) -> float | None:
    """Seconds since the epoch; Go writes nanoseconds, which `fromisoformat` cuts to microseconds."""
    if not isinstance(text, str):
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None
