"""Asks the cache what it has for this image: the manifests of the branches this run may read, best first."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pycache_action.cache.backend import Backend, Local, Unavailable, render_import
from pycache_action.cache.manifest import Manifest, parse_manifest
from pycache_action.cache.naming import Branches, is_key, layers_name, manifest_name
from pycache_action.cache.preflight import find_silence
from pycache_action.cache.store import Absent, NoHelper, Store

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """What the cache answered.

    `previous` is the manifest to compare with. `usable`: the cache may be read from and written to. `imports` are
    values for `--cache-from`; none where the builder still has all of it, or where nothing is to be had. `matched_key`
    is the key whose layers are read, empty without any. `saved` tells whether layers for this very key are there.
    """

    previous: Manifest | Absent | Unavailable
    usable: bool = True
    imports: tuple[str, ...] = ()
    matched_key: str = ""
    saved: bool = False
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()


def look_up(store: Store, scope: str, key: str, branches: Branches) -> Lookup:
    """Read the manifests until one holds the key; `saved` tells whether one did."""
    started = time.monotonic()
    if silence := find_silence(store.backend, store.buildx.environment):
        return Lookup(previous=silence, usable=False, seconds=time.monotonic() - started)
    found: list[Manifest] = []
    warnings: list[str] = []
    warm = False
    for branch in branches.readable:
        answer, in_builder = _fetch(store, manifest_name(scope, branch))
        match answer:
            case Unavailable():
                return Lookup(
                    previous=answer, usable=False, seconds=time.monotonic() - started, warnings=tuple(warnings)
                )
            case NoHelper(reason=reason):
                return _without_manifest(store, key, branches, reason, time.monotonic() - started)
            case Absent():
                continue
            case str(text):
                warm = warm or in_builder
                try:
                    found.append(_read_manifest(text, scope, branch))
                except ValueError as error:
                    warnings.append(f"The manifest saved on {branch} is not used: {error}.")
        if found and found[-1].holds(key):
            break
    holder = next((manifest for manifest in found if manifest.holds(key)), None)
    previous = holder or (found[0] if found else Absent())
    names = _names(found, key, branches)
    return Lookup(
        previous=previous,
        imports=() if warm else tuple(render_import(store.backend, name) for name in names),
        matched_key=key if holder else previous.key if isinstance(previous, Manifest) else "",
        saved=holder is not None and _is_there(store.backend, layers_name(key, holder.branch)),
        seconds=time.monotonic() - started,
        warnings=tuple(warnings),
    )


def _read_manifest(text: str, scope: str, branch: str) -> Manifest:
    """Its names lead to the layers that are imported, so they must be the ones that were asked for."""
    manifest = parse_manifest(text)
    keys = (manifest.key, *(each.key for each in manifest.keys))
    if (manifest.scope, manifest.branch) != (scope, branch) or not all(is_key(each, scope) for each in keys):
        raise ValueError("it is that of another image or branch")
    return manifest


def _is_there(backend: Backend, name: str) -> bool:
    """A folder may have been deleted while the builder still knew what was in it."""
    return not isinstance(backend, Local) or (backend.path / name / "index.json").is_file()


def _without_manifest(store: Store, key: str, branches: Branches, reason: str, seconds: float) -> Lookup:
    """The layers can be used all the same: they are where they would be if the manifest were lost."""
    return Lookup(
        previous=Unavailable(f"its manifest cannot be read without the helper image: {reason}"),
        imports=tuple(render_import(store.backend, name) for name in _names([], key, branches)),
        seconds=seconds,
        warnings=(
            f"Misses cannot be explained, because the helper image is not there: {reason}. PYCACHE_HELPER may name a mirror's.",
        ),
    )


def _fetch(store: Store, name: str) -> tuple[str | Absent | Unavailable | NoHelper, bool]:
    """A local directory is imported as a whole (https://github.com/moby/buildkit/issues/3493), so the builder is asked
    first whether it has lost anything; the second value says that it has not.
    """
    if isinstance(store.backend, Local):
        answer = store.fetch_document(name, imported=False)
        if isinstance(answer, str):
            return answer, True
    return store.fetch_document(name), False


def _names(found: list[Manifest], key: str, branches: Branches) -> Iterable[str]:
    """The caches worth importing; where no manifest tells, those that would be there if only the manifest were lost."""
    if not found:
        return [layers_name(key, branch) for branch in branches.readable]
    names = [layers_name(key, manifest.branch) for manifest in found if manifest.holds(key)]
    names += [layers_name(manifest.key, manifest.branch) for manifest in found]
    return dict.fromkeys(names)
