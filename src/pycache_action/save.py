"""Saves for the next build, after this one is done: the image is never behind the cache."""

from __future__ import annotations

import secrets
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pycache_action.buildx.provenance import parse_metadata
from pycache_action.buildx.trace import Trace, TraceRecorder
from pycache_action.buildx.watchdog import ExportWatchdog
from pycache_action.cache.backend import Unavailable, render_export
from pycache_action.cache.manifest import Manifest, render_manifest
from pycache_action.cache.naming import layers_name, manifest_name
from pycache_action.cache.preflight import find_silence
from pycache_action.cache.store import find_export_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pycache_action.build import Built
    from pycache_action.buildx.client import Buildx
    from pycache_action.buildx.command import BuildCommand
    from pycache_action.cache.lookup import Lookup
    from pycache_action.cache.store import Store

COSTLY_SECONDS = 3.0
"""A step that took less is cheaper to run again than to save."""
PACE_DOCUMENT = 150_000
PACE_SECONDS = 10.0
PACE_NAME = "pycache-pace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """The cache was written: how many layers it holds, their compressed size in bytes, and what writing it took."""

    layers: int
    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSaved:
    """The cache was not written, and why; `fault` where it should have been."""

    reason: str
    fault: bool = False
    seconds: float = 0.0


def why_not_save(built: Built, lookup: Lookup, install_ran: bool, permitted: str) -> str:
    """The reason not to save, empty where there is none; `permitted` is the reason given by the settings, if any."""
    if not built.ok:
        return "the build failed"
    if permitted:
        return permitted
    if not lookup.usable:
        return "the cache does not answer"
    if built.cache_fault:
        return f"the cache was given up during the build ({built.cache_fault})"
    if lookup.saved and not install_ran and not _costly_steps(built.trace):
        return "nothing ran that would be worth saving"
    return ""


def save_layers(
    buildx: Buildx,
    store: Store,
    manifest: Manifest,
    command: Callable[[Sequence[str], Path], BuildCommand],
) -> Saved | NotSaved:
    """Run the build again, all of it cached, only to export the cache; the manifest follows when that has worked.

    `mode=max` keeps the layers of every stage: a stage that the image only copies from is the one that installs.
    """
    started = time.monotonic()
    recorder = TraceRecorder()
    watchdog = ExportWatchdog(recorder, lambda: _answers(store))
    export = render_export(store.backend, layers_name(manifest.key, manifest.branch), "max")
    with tempfile.TemporaryDirectory(prefix="pycache-") as folder:
        metadata_file = Path(folder, "metadata.json")
        made = command([export], metadata_file).with_progress("rawjson")
        answer = buildx.run(
            *made.arguments,
            environment={**made.environment, "BUILDX_METADATA_PROVENANCE": "max"},
            on_error_line=recorder.feed,
            watchdog=watchdog,
        )
        metadata = parse_metadata(metadata_file.read_text() if metadata_file.is_file() else "")
    seconds = time.monotonic() - started
    if answer.stopped:
        return NotSaved(reason=answer.stopped, fault=True, seconds=seconds)
    error = find_export_error(recorder)
    if answer.exit_code != 0 or error:
        words = error or " ".join(recorder.trace().messages[-1:])
        return NotSaved(reason=words or "the export ended without a word", fault=True, seconds=seconds)
    written = _layers_written(recorder.trace())
    sizes = dict(metadata.provenance.layers)
    fault = store.put_document(manifest_name(manifest.scope, manifest.branch), render_manifest(manifest))
    seconds = time.monotonic() - started
    if isinstance(fault, Unavailable):
        return NotSaved(reason=f"its manifest could not be saved: {fault.reason}", fault=True, seconds=seconds)
    return Saved(layers=len(written), bytes=sum(sizes.get(digest, 0) for digest in written), seconds=seconds)


def _costly_steps(trace: Trace) -> bool:
    return any(v.seconds >= COSTLY_SECONDS and "] RUN " in v.name for v in trace.vertices)


def _layers_written(trace: Trace) -> set[str]:
    exports = (vertex for vertex in trace.vertices if vertex.writes_cache)
    prefix = "writing layer "
    return {
        each.id.removeprefix(prefix) for vertex in exports for each in vertex.transfers if each.id.startswith(prefix)
    }


def _answers(store: Store) -> bool:
    """Whether the backend still takes some bytes a second: beside the layer it is being sent, so half of what it can."""
    if find_silence(store.backend, store.buildx.environment):
        return False
    text = secrets.token_hex(PACE_DOCUMENT)  # compresses to half
    return store.put_document(PACE_NAME, text, PACE_SECONDS) is None
