"""A cache that does not answer is given up in time, and nothing else ever is."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from pycache_action.buildx.trace import TraceRecorder
from pycache_action.buildx.watchdog import (
    IMPORT_SECONDS,
    LONGEST_EXPORT_SECONDS,
    QUIET_SECONDS,
    SLOWEST_PACE,
    STALL_SECONDS,
    ExportWatchdog,
    ImportWatchdog,
)

IMPORT = "importing cache manifest from registry.test/cache:x"
EXPORT = "exporting cache to registry"
PULL = "[2/3] RUN pip install -r requirements.txt"
BLOB = "sha256:" + "b" * 64


@dataclass
class Show:
    """A build that is played against a clock of its own."""

    recorder: TraceRecorder = field(default_factory=TraceRecorder)
    now: float = 500.0

    def clock(self) -> float:
        return self.now

    def say(self, **status: list[dict[str, Any]]) -> None:
        self.recorder.feed(json.dumps(status))

    def start(self, name: str, **more: Any) -> None:
        self.say(vertexes=[{"digest": name, "name": name, "started": "2026-01-01T00:00:00Z", **more}])

    def end(self, name: str) -> None:
        self.start(name, completed="2026-01-01T00:01:00Z")

    def receive(
        self, name: str, current: int, total: int = 100_000_000, *, blob: str = BLOB, done: bool = False
    ) -> None:
        status = {"vertex": name, "id": blob, "current": current, "total": total}
        self.say(statuses=[{**status, "completed": "2026-01-01T00:01:00Z"} if done else status])

    def run(self, watchdog: ImportWatchdog | ExportWatchdog, seconds: float) -> str:
        """Ask every half second until it bites."""
        ends = self.now + seconds
        while self.now < ends:
            if reason := watchdog():
                return reason
            self.now += 0.5
        return ""


@pytest.fixture
def show() -> Show:
    return Show()


@pytest.fixture
def imports(show: Show) -> ImportWatchdog:
    return ImportWatchdog(show.recorder, show.clock)


def test_import__an_index_that_does_not_come(show: Show, imports: ImportWatchdog) -> None:
    show.start(IMPORT)
    began = show.now
    assert show.run(imports, 60) == "the cache's index did not come within 10 s"
    assert IMPORT_SECONDS < show.now - began < IMPORT_SECONDS + 2


def test_import__an_index_that_comes_late_but_comes(show: Show, imports: ImportWatchdog) -> None:
    show.start(IMPORT)
    assert show.run(imports, IMPORT_SECONDS - 1) == ""
    show.end(IMPORT)
    assert show.run(imports, 60) == ""


def test_import__every_index_has_its_own_time(show: Show, imports: ImportWatchdog) -> None:
    for name in ("importing cache manifest from a", "importing cache manifest from b"):
        show.start(name)
        assert show.run(imports, IMPORT_SECONDS - 2) == ""
        show.end(name)
        assert imports() == ""


def test_import__a_step_may_be_silent_as_long_as_it_likes(show: Show, imports: ImportWatchdog) -> None:
    show.start(PULL)
    assert show.run(imports, 3600) == ""


def test_import__a_layer_of_which_nothing_comes(show: Show, imports: ImportWatchdog) -> None:
    show.start(PULL, cached=True)
    show.receive(PULL, 0)
    began = show.now
    assert show.run(imports, 60) == "layers came from the cache at 0 kB/s"
    assert STALL_SECONDS <= show.now - began < STALL_SECONDS + 2


def test_import__a_layer_that_stalls_in_the_middle(show: Show, imports: ImportWatchdog) -> None:
    show.start(PULL, cached=True)
    for second in range(30):
        show.receive(PULL, second * 1_000_000)
        assert show.run(imports, 1) == ""
    assert show.run(imports, 60)


@pytest.mark.parametrize(("pace", "given_up"), [(SLOWEST_PACE // 5, True), (SLOWEST_PACE * 2, False)])
def test_import__a_layer_that_trickles(show: Show, imports: ImportWatchdog, pace: int, given_up: bool) -> None:
    show.start(PULL, cached=True)
    reason = ""
    for second in range(60):
        show.receive(PULL, second * pace)
        reason = reason or show.run(imports, 1)
    assert bool(reason) is given_up


def test_import__layers_together_count(show: Show, imports: ImportWatchdog) -> None:
    """One of three connections may wait for the others."""
    show.start(PULL, cached=True)
    show.receive(PULL, 0, blob="sha256:c")
    for second in range(60):
        show.receive(PULL, second * 1_000_000)
        assert show.run(imports, 1) == ""


def test_import__unpacking_takes_its_time(show: Show, imports: ImportWatchdog) -> None:
    show.start(PULL, cached=True)
    show.receive(PULL, 100_000_000, done=True)
    show.receive(PULL, 0, blob=f"extracting {BLOB}")
    assert show.run(imports, 600) == ""


def test_import__not_judged_while_a_step_runs(show: Show, imports: ImportWatchdog) -> None:
    """It may use all of the line."""
    show.start("[1/2] RUN curl https://example.org")
    show.start(PULL, cached=True)
    show.receive(PULL, 0)
    assert show.run(imports, 600) == ""
    show.end("[1/2] RUN curl https://example.org")
    assert show.run(imports, STALL_SECONDS - 1) == ""
    assert show.run(imports, 5)


def test_import__a_base_image_is_no_cache(show: Show, imports: ImportWatchdog) -> None:
    """Docker Hub may be slow; leaving out the cache makes it no faster."""
    show.start("[1/3] FROM docker.io/library/python:3.11-slim@sha256:aa")
    show.receive("[1/3] FROM docker.io/library/python:3.11-slim@sha256:aa", 0)
    assert show.run(imports, 60) == ""


def test_import__nothing_said_at_all(show: Show, imports: ImportWatchdog) -> None:
    assert show.run(imports, 600) == ""


class Server:
    """What the export's watchdog asks; each question takes `seconds` of the show's clock."""

    def __init__(self, show: Show, *answers: bool, seconds: float = 1.0) -> None:
        self.asked_at: list[float] = []
        self._show = show
        self._answers = list(answers)
        self._seconds = seconds

    def __call__(self) -> bool:
        self.asked_at.append(self._show.now)
        self._show.now += self._seconds
        return self._answers.pop(0) if self._answers else True


def test_export__progress_is_not_asked_about(show: Show) -> None:
    server = Server(show)
    watchdog = ExportWatchdog(show.recorder, server, show.clock)
    show.start(EXPORT)
    for _ in range(40):
        show.receive(EXPORT, 0)
        assert show.run(watchdog, 5) == ""
    assert server.asked_at == []


def test_export__a_silent_server_that_answers_has_its_time(show: Show) -> None:
    server = Server(show)
    watchdog = ExportWatchdog(show.recorder, server, show.clock)
    show.start(EXPORT)
    assert show.run(watchdog, 120) == ""
    gaps = [later - earlier for earlier, later in zip(server.asked_at, server.asked_at[1:], strict=False)]
    assert gaps
    assert min(gaps) >= QUIET_SECONDS


def test_export__a_silent_server_that_does_not_answer_is_given_up(show: Show) -> None:
    watchdog = ExportWatchdog(show.recorder, Server(show, True, False, seconds=15), show.clock)
    show.start(EXPORT)
    began = show.now
    assert show.run(watchdog, 300) == "it stopped answering while the cache was saved"
    assert show.now - began < 2 * QUIET_SECONDS + 2 * 15 + 2


def test_export__nobody_is_asked_before_the_export_begins(show: Show) -> None:
    server = Server(show, False)
    watchdog = ExportWatchdog(show.recorder, server, show.clock)
    assert show.run(watchdog, 60) == ""
    assert server.asked_at == []


def test_export__has_an_end(show: Show) -> None:
    watchdog = ExportWatchdog(show.recorder, Server(show), show.clock)
    show.start(EXPORT)
    log = base64.b64encode(b".").decode()
    while not (reason := watchdog()):
        show.say(logs=[{"vertex": EXPORT, "data": log}])
        show.now += 5
        assert show.now < 500 + LONGEST_EXPORT_SECONDS + 10
    assert reason == "saving took longer than 10 min"
