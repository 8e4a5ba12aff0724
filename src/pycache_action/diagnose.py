"""Why an install step ran: the first difference on its path between this build and the one the manifest tells of."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, assert_never

from pycache_action import causes
from pycache_action.cache.backend import Unavailable
from pycache_action.cache.manifest import CopiedFile, InstallRecord, Manifest, PathEntry
from pycache_action.cache.store import Absent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pycache_action.causes import Cause, Circumstances


@dataclass(frozen=True, slots=True)
class Disabled:
    """The cache was not read because of a setting."""

    setting: str


Previous = Manifest | Absent | Unavailable | Disabled
"""What is known of the build before: its manifest, or why there is none."""


def diagnose(record: InstallRecord, previous: Previous, circumstances: Circumstances) -> tuple[Cause, ...]:
    """Why the install step of this record ran: usually one cause, more where one instruction had several."""
    match previous:
        case Disabled(setting=setting):
            return (causes.cache_disabled(setting),)
        case Unavailable(reason=reason):
            return (causes.cache_unreadable(reason, circumstances),)
        case Absent():
            return (causes.no_previous_build(circumstances),)
        case Manifest() as manifest:
            return tuple(_compare(record, manifest, circumstances))
        case _:
            assert_never(previous)


def _compare(record: InstallRecord, manifest: Manifest, circumstances: Circumstances) -> Iterator[Cause]:
    before = find_counterpart(record, manifest)
    if before is None and not manifest.installs:
        yield causes.no_install_before(record, circumstances)
        return
    if before is None:
        yield causes.platform_changed(record, manifest)
        return
    pairs = zip_longest(before.path, record.path)
    for old, new in pairs:
        if old is None or new is None or (found := _compare_entries(old, new, record, circumstances)) is None:
            yield causes.instruction_changed(old, new, before, record, circumstances)
            return
        if found:
            yield from found
            return
    if circumstances.unread:
        yield causes.cache_unreadable(circumstances.unread, circumstances)
    else:
        yield causes.cache_evicted(manifest, circumstances)


def find_counterpart(record: InstallRecord, manifest: Manifest) -> InstallRecord | None:
    """The same step in the build before, for the same platform: by its text, else by its stage, else the first."""
    candidates = [each for each in manifest.installs if each.platform == record.platform]
    for likeness in (lambda each: (each.instruction, each.stage), lambda each: each.stage):
        found = next((each for each in candidates if likeness(each) == likeness(record)), None)
        if found:
            return found
    return candidates[0] if candidates else None


def _compare_entries(
    old: PathEntry, new: PathEntry, record: InstallRecord, circumstances: Circumstances
) -> tuple[Cause, ...] | None:
    """Causes in one instruction; empty where it is the same, None where it is another instruction."""
    if old.instruction != new.instruction and not (old.image and new.image):
        return None
    if (old.image, old.image_digest) != (new.image, new.image_digest):
        return (causes.base_image_changed(old, new, circumstances),)
    if old.files_digest != new.files_digest:
        return tuple(_files_changed(old, new, circumstances))
    if old.environment != new.environment:
        return (causes.build_arg_changed(old, new, record, circumstances),)
    return ()


def _files_changed(old: PathEntry, new: PathEntry, circumstances: Circumstances) -> Iterator[Cause]:
    before = {file.path: file for file in old.files}
    after = {file.path: file for file in new.files}
    content = [
        path
        for path in sorted(before.keys() | after.keys())
        if path not in before or path not in after or before[path].digest != after[path].digest
    ]
    dependency_files = [path for path in content if path in circumstances.dependency_files]
    others = [path for path in content if path not in circumstances.dependency_files]
    if dependency_files:
        yield causes.dependencies_changed(dependency_files, circumstances)
    if others or not (content or _modes(before, after)):
        yield causes.copied_files_changed(new, others, circumstances)
    if not content and (modes := _modes(before, after)):
        yield causes.file_metadata_changed(modes, circumstances)


def _modes(before: Mapping[str, CopiedFile], after: Mapping[str, CopiedFile]) -> list[tuple[str, str, str]]:
    both = sorted(before.keys() & after.keys())
    return [(path, before[path].mode, after[path].mode) for path in both if before[path].mode != after[path].mode]
