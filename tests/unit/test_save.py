"""What is saved and why not; a fault of the cache is a value, and nothing half-saved is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.recordings.projects import Shop, save_shop
from tests.recordings.scripted import Asked, Say, Scripted, failed_vertex
from tests.recordings.session import read_session
from tests.recordings.written import trace_of

from pycache_action.build import Built
from pycache_action.buildx.client import Buildx
from pycache_action.buildx.provenance import Metadata, Provenance
from pycache_action.buildx.trace import Trace, TraceRecorder
from pycache_action.cache.backend import Registry
from pycache_action.cache.lookup import Lookup
from pycache_action.cache.manifest import Manifest
from pycache_action.cache.store import Absent, Store, find_export_error
from pycache_action.dependencies.model import DependencySet
from pycache_action.save import NotSaved, Saved, save_layers, why_not_save

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pycache_action.buildx.command import BuildCommand

MANIFEST = Manifest(
    scope="shop", branch="main", key="shop-1", salt="s", keys=(), dependencies=DependencySet(files=()), installs=()
)
EXPORTED = {
    "vertexes": [{"digest": "sha256:e", "name": "exporting cache to registry", "started": "2026-01-01T00:00:00Z"}],
    "statuses": [
        {"vertex": "sha256:e", "id": "writing layer sha256:aa", "name": "", "current": 0},
        {"vertex": "sha256:e", "id": "writing layer sha256:bb", "name": "", "current": 0},
        {"vertex": "sha256:e", "id": "writing config sha256:cc", "name": "", "current": 0},
    ],
}


NOTHING = Trace()


def built(trace: Trace = NOTHING, *, exit_code: int = 0, cache_fault: str = "") -> Built:
    metadata = Metadata({}, Provenance())
    return Built(exit_code=exit_code, trace=trace, metadata=metadata, seconds=1.0, cache_fault=cache_fault)


FOUND = Lookup(previous=MANIFEST, saved=True)
FIRST = Lookup(previous=Absent())
QUICK = trace_of("[2/3] RUN true  0.1s")
COSTLY = trace_of("[2/3] RUN make  30s")


@pytest.mark.parametrize(
    ("build", "lookup", "installed", "permitted", "reason"),
    [
        (built(exit_code=1), FIRST, True, "", "the build failed"),
        (built(), FIRST, True, "save is never", "save is never"),
        (built(), Lookup(previous=Absent(), usable=False), True, "", "the cache does not answer"),
        (built(cache_fault="it stalled"), FIRST, True, "", "it stalled"),
        (built(QUICK), FOUND, False, "", "nothing ran"),
        (built(QUICK), FOUND, True, "", ""),
        (built(COSTLY), FOUND, False, "", ""),
        (built(QUICK), FIRST, False, "", ""),
    ],
)
def test_why_not_save(build: Built, lookup: Lookup, installed: bool, permitted: str, reason: str) -> None:
    told = why_not_save(build, lookup, installed, permitted)
    assert reason in told if reason else told == ""


def save(answer: Callable[[Asked], Say]) -> tuple[Saved | NotSaved, list[Asked]]:
    processes = Scripted(answer)
    buildx = Buildx(program=("docker", "buildx"), processes=processes, environment={})
    store = Store(buildx=buildx, helper="helper", backend=Registry("registry.test/cache"))

    def command(exports: Sequence[str], file: Path) -> BuildCommand:
        return save_shop(Shop(), exports, file)

    return save_layers(buildx, store, MANIFEST, command), processes.asked


def is_document(asked: Asked) -> bool:
    return asked.standard_input is not None


def test_save_layers__layers_first_and_the_manifest_last() -> None:
    saved, asked = save(lambda asked: Say() if is_document(asked) else Say(stderr=[EXPORTED]))
    assert isinstance(saved, Saved)
    assert saved.layers == 2
    assert [is_document(each) for each in asked] == [False, True]
    assert "ref=registry.test/cache:shop-1.main" in asked[0].value("--cache-to")
    assert "mode=max" in asked[0].value("--cache-to")
    assert "ref=registry.test/cache:shop.main.manifest" in asked[1].value("--cache-to")


@pytest.mark.parametrize(
    ("say", "reason"),
    [
        (Say(stderr=[failed_vertex("exporting cache to registry", "403 Forbidden")]), "403 Forbidden"),
        (Say(exit_code=1, stderr=["ERROR: failed to build"]), "ERROR: failed to build"),
        (Say(exit_code=1), "the export ended without a word"),
        (Say(exit_code=-15, stopped="it stopped answering while the cache was saved"), "it stopped answering"),
    ],
)
def test_save_layers__without_its_layers_there_is_no_manifest(say: Say, reason: str) -> None:
    saved, asked = save(lambda _: say)
    assert isinstance(saved, NotSaved)
    assert saved.fault
    assert reason in saved.reason
    assert len(asked) == 1


def test_save_layers__the_manifest_cannot_be_saved() -> None:
    saved, _ = save(
        lambda asked: Say(exit_code=1, stderr=["ERROR: quota"]) if is_document(asked) else Say(stderr=[EXPORTED])
    )
    assert isinstance(saved, NotSaved)
    assert saved.fault
    assert "its manifest could not be saved: ERROR: quota" in saved.reason


def test_save_layers__ctrl_c_leaves_no_manifest() -> None:
    """A manifest without its layers would promise what is not there."""
    asked: list[Asked] = []

    def interrupt(each: Asked) -> Say:
        asked.append(each)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save(interrupt)
    assert len(asked) == 1


def test_find_export_error__recorded() -> None:
    recorder = TraceRecorder()
    call = read_session("export-server-error")[1]
    for line in call.stderr.splitlines():
        recorder.feed(line)
    assert call.exit_code == 0
    assert "500" in find_export_error(recorder)
