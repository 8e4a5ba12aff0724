"""Builds, with the cache where there is one, and again without it where the cache gets in the way."""

from __future__ import annotations

import re
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pycache_action.buildx.provenance import Metadata, parse_metadata
from pycache_action.buildx.spare import open_spare
from pycache_action.buildx.trace import Trace, TraceRecorder
from pycache_action.buildx.watchdog import ImportWatchdog, is_index

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
        return _attempt_elsewhere(buildx, command, progress)
    built, fault = _attempt(buildx, command, imports, progress)
    if not fault:
        return built
    if any(vertex.running and is_index(vertex) for vertex in built.trace.vertices):
        again = _attempt_elsewhere(buildx, command, progress)
    else:
        again, _ = _attempt(buildx, command, (), progress)
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
        buildx.run(*made.arguments, environment={**made.environment, **METADATA}, deadline=DESCRIBE_SECONDS)
        described = parse_metadata(metadata_file.read_text() if metadata_file.is_file() else "")
    return replace(built, metadata=Metadata(built.metadata.values, described.provenance))


def _attempt_elsewhere(
    buildx: Buildx, command: Callable[[Sequence[str], Path], BuildCommand], progress: Progress
) -> Built:
    """Build without a cache, on a spare builder where the own one does not answer."""
    with open_spare(buildx) as spare:
        if spare is None:
            return _attempt(buildx, command, (), progress)[0]
        return _attempt(buildx, lambda imports, file: command(imports, file).on_spare(spare.name), (), progress)[0]


def _join(first: Trace, second: Trace) -> Trace:
    """The second attempt finds cached what the first one ran: that it ran at all is what counts."""
    ran = {
        vertex.digest: vertex for vertex in first.vertices if vertex.executed and vertex.completed and not vertex.error
    }
    vertices = (ran.get(vertex.digest, vertex) if vertex.cached else vertex for vertex in second.vertices)
    return Trace(tuple(vertices), second.messages)


def _attempt(
    buildx: Buildx,
    command: Callable[[Sequence[str], Path], BuildCommand],
    imports: Sequence[str],
    progress: Progress,
) -> tuple[Built, str]:
    """The build, and why it should be run again without the cache."""
    recorder = TraceRecorder()
    watchdog = ImportWatchdog(recorder)

    def watch() -> str:
        progress.update(recorder.trace())
        return watchdog() if imports else ""

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
    return built, answer.stopped or (_find_cache_fault(built) if imports else "")


def _find_cache_fault(built: Built) -> str:
    """What a failed build says of the cache, if it could be the cache's fault.

    A download from a cache that breaks off in the middle fails the build and is not retried by BuildKit; its words
    differ from backend to backend, so everything that is not plainly the user's own counts.
    """
    if built.ok:
        return ""
    errors = [vertex.error for vertex in built.trace.failed if not vertex.name.startswith("importing cache manifest")]
    words = errors or list(built.trace.messages[-1:])
    if any(OWN_FAILURE.search(error) for error in words):
        return ""
    return words[-1][-300:] if words else "the build ended without a word"
