"""Small documents kept in BuildKit's own cache backend, so that there is no second store and no second credential.

A document is the one file of a stage whose RUN copies a secret, or several for a large one. A secret's content is not part of a cache key, so the
key is the same whatever the document says: saving runs that RUN anew and exports its layer under the document's name,
fetching imports that cache and takes the layer out. The stage itself is exported, not a copy of the file out of it: a
COPY would be found by the key of the RUN, and an older copy in the builder's own store would win over a newer import.
"""

from __future__ import annotations

import hashlib
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pycache_action.buildx.trace import Trace, TraceRecorder
from pycache_action.cache.backend import Backend, Unavailable, render_export, render_import

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pycache_action.buildx.client import Buildx

LARGEST_PART = 500_000  # BuildKit takes secrets of up to 500 KiB
PARTS = 8
DOCKERFILE = """\
FROM scratch AS document
RUN --mount=type=bind,from=pycache-helper,source=/bin/busybox,target=/busybox {parts} \
  ["/busybox", "sh", "-c", "/busybox cat /parts/* > /{file}"]
"""
HELPER_IMAGE = "busybox:1.37.0-musl@sha256:222ad6d973c0d198014546a65cd02c5fdedcc172123c5b4c2bf0af636550bd94"
LARGEST_TEXT = 32_000_000
FETCH_SECONDS = 10.0
PUT_SECONDS = 15.0
NOT_THERE = "did not complete successfully: exit code: 1"


@dataclass(frozen=True, slots=True)
class Absent:
    """The backend answered, and has no such document."""


@dataclass(frozen=True, slots=True)
class NoHelper:
    """The backend may be well, but there is no busybox to read or write a document with."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Fetches and puts documents.

    `helper` is the named build context that holds a static `/bin/busybox`: a directory or `docker-image://...`.
    """

    buildx: Buildx
    helper: str
    backend: Backend

    def fetch_document(self, name: str, *, imported: bool = True) -> str | Absent | Unavailable | NoHelper:
        """The document of this name; with `imported=False` only what the builder itself still has."""
        caches = ("--cache-from", render_import(self.backend, name)) if imported else ()
        recorder = TraceRecorder()
        with tempfile.TemporaryDirectory(prefix="pycache-") as folder:
            answer = self.buildx.run(
                *(*self._common(), *caches, "--output", f"type=local,dest={folder}", "-"),
                standard_input=self._dockerfile(name),
                on_error_line=recorder.feed,
                deadline=FETCH_SECONDS,
            )
            if answer.stopped:
                return Unavailable(f"it did not answer within {FETCH_SECONDS:.0f} s", left_waiting=imported)
            if answer.exit_code == 0 and not find_import_errors(recorder.trace()):
                file = Path(folder, self._file(name))
                # A forged layer may hold a link to a file of this machine, or anything else, in its place.
                plain = file.is_file() and not file.is_symlink() and file.stat().st_size <= PARTS * LARGEST_PART
                return _unpack(file.read_bytes()) if plain else Unavailable("its manifest is damaged")
        return _explain_failure(recorder, answer.stderr)

    def put_document(self, name: str, text: str, deadline: float = PUT_SECONDS) -> Unavailable | None:
        """Save a document under this name, in place of an older one, within `deadline` seconds."""
        packed = zlib.compress(text.encode())
        parts = [packed[at : at + LARGEST_PART] for at in range(0, len(packed), LARGEST_PART)]
        if len(parts) > PARTS:
            return Unavailable(f"its manifest is larger than {PARTS * LARGEST_PART // 1_000_000} MB")
        recorder = TraceRecorder()
        with tempfile.TemporaryDirectory(prefix="pycache-") as folder:
            secrets: list[str] = []
            for number, part in enumerate(parts):
                Path(folder, str(number)).write_bytes(part)
                secrets += ["--secret", f"id=part-{number},src={folder}/{number}"]
            answer = self.buildx.run(
                *(*self._common(), "--no-cache-filter", "document", *secrets),
                *("--cache-to", render_export(self.backend, name, "min"), "--output", "type=cacheonly", "-"),
                standard_input=self._dockerfile(name),
                on_error_line=recorder.feed,
                deadline=deadline,
            )
        if answer.stopped:
            return Unavailable(f"saving to it took longer than {deadline:.0f} s")
        if answer.exit_code != 0 or (error := find_export_error(recorder)):
            return Unavailable(error if answer.exit_code == 0 else _last_words(answer.stderr, recorder))
        return None

    def _dockerfile(self, name: str) -> bytes:
        """One document is one file name: the same document of two backends must be two in the builder's own store."""
        mounts = (f"--mount=type=secret,id=part-{number},target=/parts/{number}" for number in range(PARTS))
        return DOCKERFILE.format(parts=" ".join(mounts), file=self._file(name)).encode()

    def _file(self, name: str) -> str:
        place = hashlib.sha256(render_import(self.backend, name).encode()).hexdigest()[:8]
        return f"{name}.{place}"

    def _common(self) -> tuple[str, ...]:
        return (
            *("build", *self.buildx.chosen, "--progress", "rawjson", "--provenance", "false", "--network", "none"),
            *("--build-context", f"pycache-helper={self.helper}"),
        )


def find_helper(environ: Mapping[str, str]) -> str:
    """The build context that holds the static busybox: the one this machine has, else an image.

    The action's image brings it along, so that no run pulls anything; `PYCACHE_HELPER` names another context, for
    machines that reach no public registry.
    """
    return environ.get("PYCACHE_HELPER") or f"docker-image://{HELPER_IMAGE}"


def find_import_errors(trace: Trace) -> tuple[str, ...]:
    """What went wrong with imports, in BuildKit's words; that a cache does not exist yet is no fault."""
    errors = (vertex.error for vertex in trace.vertices if vertex.reads_index)
    return tuple(error for error in errors if error and not _says_not_found(error))


def find_export_error(recorder: TraceRecorder) -> str:
    """Why the export failed, in BuildKit's words; with `ignore-error=true` the build itself passes."""
    vertices = recorder.trace().vertices
    return next((v.error for v in vertices if v.writes_cache and v.error), "")


def _unpack(packed: bytes) -> str | Unavailable:
    """A document that was not written by us, or not whole, is a fault of the cache."""
    try:
        unpacking = zlib.decompressobj()
        text = unpacking.decompress(packed, LARGEST_TEXT)
        return text.decode() if unpacking.eof else Unavailable("its manifest is damaged")
    except (zlib.error, UnicodeDecodeError):
        return Unavailable("its manifest is damaged")


def _explain_failure(recorder: TraceRecorder, stderr: str) -> Absent | Unavailable | NoHelper:
    errors = find_import_errors(recorder.trace())
    if errors:
        return Unavailable(errors[0])
    # The last status may be lost where buildx ends before it has come; its last words are not.
    ran = NOT_THERE in stderr or any(NOT_THERE in vertex.error for vertex in recorder.trace().vertices)
    return Absent() if ran else NoHelper(_last_words(stderr, recorder))


def _says_not_found(error: str) -> bool:
    return "not found" in error or "no such file or directory" in error or "NoSuchKey" in error


def _last_words(stderr: str, recorder: TraceRecorder) -> str:
    messages = recorder.trace().messages
    return messages[-1] if messages else stderr.strip()[-300:] or "no words"
