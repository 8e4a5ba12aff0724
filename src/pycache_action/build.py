"""Builds, with the cache where there is one, and again without it where the cache gets in the way."""

from __future__ import annotations

import re
import tempfile
import time
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pycache_action.buildx.provenance import Metadata, Provenance, parse_metadata
from pycache_action.buildx.spare import open_spare
from pycache_action.buildx.trace import Trace, TraceRecorder
from pycache_action.buildx.watchdog import LEFTOVER_SECONDS, STALL_SECONDS, ImportWatchdog

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pycache_action.buildx.client import Buildx
    from pycache_action.buildx.command import BuildCommand

DESCRIBE_SECONDS = 30
METADATA = {"BUILDX_METADATA_PROVENANCE": "max", "BUILDX_METADATA_WARNINGS": "true"}

# What fails for the user's own reasons fails the same way without a cache.
OWN_FAILURE = re.compile(
    r"did not complete successfully: exit code|dockerfile parse error|failed to calculate checksum of ref.*not found"
    r"|target stage .* could not be found|failed to solve: process|^\S+: not found$"
    # A push that is refused; a layer that the push could not get from the cache is told in other words.
    r"|failed to push (?!.*httpReadSeeker).*(?:unexpected status from (?:HEAD|POST|PUT|PATCH)|authoriz|denied)"
    r"|not (?:implemented|supported)|invalid tag|invalid reference",
    re.IGNORECASE,
)


class Progress(Protocol):
    """Shows people how a build goes."""

    def update(self, trace: Trace) -> None:
        """Take the trace as it is now; called several times a second."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """How the build ended. `cache_fault` is why the cache had to be left out, empty where it was not; `seconds` counts
    the attempt that was given up too. `stdout` is what `call` answers with.
    """

    exit_code: int
    trace: Trace
    metadata: Metadata
    seconds: float
    cache_fault: str = ""
    stdout: str = field(default="", repr=False)

    @property
    def ok(self) -> bool:
        """Whether the user's build passed."""
        return self.exit_code == 0


def build_image(
    buildx: Buildx,
    command: Callable[[Sequence[str], Path], BuildCommand],
    imports: Sequence[str],
    progress: Progress,
    *,
    left_waiting: bool = False,
) -> Built:
    """Build with the caches `imports`; whatever they do, the result is that of a build without them.

    `command` makes the arguments for a set of imports and a metadata file. `left_waiting`: the builder may still be
    waiting for a cache, and hear nothing else.
    """
    started = time.monotonic()
    if left_waiting:
        return _build_without(buildx, command, progress, _Builder.DOUBTFUL)
    built, stopped = _attempt(buildx, command, imports, progress, STALL_SECONDS if imports else None)
    fault = stopped or (_find_cache_fault(built) if imports else "")
    if not fault:
        return built
    again = _build_without(buildx, command, progress, _judge_builder(built, imports, stopped))
    return Built(
        exit_code=again.exit_code,
        trace=_join(built.trace, again.trace),
        metadata=again.metadata,
        seconds=time.monotonic() - started,
        cache_fault=fault,
        stdout=again.stdout,
    )


def add_provenance(built: Built, buildx: Buildx, command: Callable[[Path], BuildCommand]) -> Built:
    """The build with its provenance, which buildx before 0.31 leaves out for several platforms at once.

    `command` is the same build with nothing to export: it is all cached by now, and has it.
    https://github.com/docker/buildx/pull/3536
    """
    with tempfile.TemporaryDirectory(prefix="pycache-") as folder:
        metadata_file = Path(folder, "metadata.json")
        made = command(metadata_file).with_progress("rawjson")
        recorder = TraceRecorder()
        buildx.run(
            *made.arguments,
            environment={**made.environment, **METADATA},
            on_error_line=recorder.feed,
            deadline=DESCRIBE_SECONDS,
        )
        described = parse_metadata(metadata_file.read_text() if metadata_file.is_file() else "").provenance
    # Digests differ from call to call, since that of a build context has the session in it. Names do not.
    names = {vertex.digest: vertex.name for vertex in recorder.trace().vertices}
    digests = {vertex.name: vertex.digest for vertex in built.trace.vertices}
    steps = tuple(replace(step, vertex=digests.get(names.get(step.vertex, ""), "")) for step in described.steps)
    return replace(built, metadata=Metadata(built.metadata.values, Provenance(steps, described.layers)))


class _Builder(Enum):
    """How an attempt that was given up leaves the builder."""

    WELL = auto()
    DOUBTFUL = auto()
    """It may still wait for a server, and schedule nothing meanwhile: see `cache.preflight`."""
    STUCK = auto()
    """It goes on with a download, and every build that could use the layer joins it."""


def _judge_builder(built: Built, imports: Sequence[str], stopped: str) -> _Builder:
    """Downloads from GitHub's cache cannot be cancelled, those from a registry can.

    https://github.com/moby/buildkit/blob/v0.25.0/cache/remotecache/gha/gha.go#L482
    """
    if not stopped:
        return _Builder.WELL
    if any(vertex.running and vertex.reads_index for vertex in built.trace.vertices):
        return _Builder.DOUBTFUL
    return _Builder.STUCK if any(each.startswith("type=gha") for each in imports) else _Builder.WELL


def _build_without(
    buildx: Buildx, command: Callable[[Sequence[str], Path], BuildCommand], progress: Progress, builder: _Builder
) -> Built:
    """Build without a cache, on a spare builder where the own one does not serve."""
    if builder is _Builder.WELL:
        built, left_over = _attempt(buildx, command, (), progress, LEFTOVER_SECONDS)
        if not left_over:
            return built
        builder = _Builder.STUCK
    with open_spare(buildx, is_stuck=builder is _Builder.STUCK) as spare:
        if spare is None:
            return _attempt(buildx, command, (), progress)[0]
        return _attempt(buildx, lambda imports, file: command(imports, file).on_spare(spare.name), (), progress)[0]


def _join(first: Trace, second: Trace) -> Trace:
    """The second attempt finds cached what the first one ran: that it ran at all is what counts.

    They are matched by name: a digest has the session in it.
    """
    ran = {each.name: each for each in first.vertices if each.executed and each.completed and not each.error}
    vertices = (
        replace(ran[each.name], digest=each.digest) if each.cached and each.name in ran else each
        for each in second.vertices
    )
    return Trace(tuple(vertices), second.messages)


def _attempt(
    buildx: Buildx,
    command: Callable[[Sequence[str], Path], BuildCommand],
    imports: Sequence[str],
    progress: Progress,
    patience: float | None = None,
) -> tuple[Built, str]:
    """The build, and why it was ended by us; `patience` is how long a layer may stall, in seconds (None: for ever)."""
    recorder = TraceRecorder()
    watchdog = ImportWatchdog(recorder, stall_seconds=patience) if patience is not None else None

    def watch() -> str:
        progress.update(recorder.trace())
        return watchdog() if watchdog is not None else ""

    with tempfile.TemporaryDirectory(prefix="pycache-") as folder:
        metadata_file = Path(folder, "metadata.json")
        made = command(imports, metadata_file)
        answer = buildx.run(
            *made.with_progress("rawjson").arguments,
            environment={**made.environment, **METADATA},
            on_error_line=recorder.feed,
            watchdog=watch,
        )
        metadata = parse_metadata(metadata_file.read_text() if metadata_file.is_file() else "")
    trace = recorder.trace()
    progress.update(trace)
    built = Built(
        exit_code=answer.exit_code, trace=trace, metadata=metadata, seconds=answer.seconds, stdout=answer.stdout
    )
    return built, answer.stopped


def _find_cache_fault(built: Built) -> str:
    """What a failed build says of the cache, if it could be the cache's fault.

    A download from a cache that breaks off in the middle fails the build and is not retried by BuildKit; its words
    differ from backend to backend, so everything that is not plainly the user's own counts.
    """
    if built.ok:
        return ""
    errors = [vertex.error for vertex in built.trace.failed]
    words = errors or list(built.trace.messages[-1:])
    if any(OWN_FAILURE.search(error) for error in words):
        return ""
    return words[-1][:300] if words else "the build ended without a word"
