"""The causes there are, and the sentence each of them is told in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from pycache_action.untrusted import hide_credentials

if TYPE_CHECKING:
    from collections.abc import Callable

    from pycache_action.cache.manifest import InstallRecord, Manifest, PathEntry
    from pycache_action.dependencies.difference import Change, Difference

NAMED = 5


class CauseId(StrEnum):
    """The stable names of causes, as they stand in outputs, annotations and documentation."""

    NO_PREVIOUS_BUILD = "no-previous-build"
    DEPENDENCIES_CHANGED = "dependencies-changed"
    DEPENDENCY_FILE_REWRITTEN = "dependency-file-rewritten"
    BASE_IMAGE_CHANGED = "base-image-changed"
    INSTRUCTION_CHANGED = "instruction-changed"
    BUILD_ARG_CHANGED = "build-arg-changed"
    COPIED_FILES_CHANGED = "copied-files-changed"
    FILE_METADATA_CHANGED = "file-metadata-changed"
    PLATFORM_CHANGED = "platform-changed"
    CACHE_EVICTED = "cache-evicted"
    CACHE_UNREADABLE = "cache-unreadable"
    CACHE_DISABLED = "cache-disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why a step ran, in one sentence. `file` and `line` are what brought it about (empty and 0: nothing in the
    project did); `evidence` is what the sentence stands on; `fix` is what to do about it, where there is something.
    """

    id: CauseId
    message: str
    file: str = ""
    line: int = 0
    evidence: dict[str, object] = field(default_factory=dict)
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a step's causes are judged by, beside its own record.

    `difference` compares the dependencies with the manifest's; `dependency_files` are their paths in the context, which
    `name` turns into what people know; `dockerfile` is already that. `age` is how long ago the manifest was saved, in seconds; `backend` names the cache for people.
    `unread` is why an index could not be read that the manifest tells of, in BuildKit's words; empty where all could.
    """

    difference: Difference | None
    dependency_files: frozenset[str]
    dockerfile: str
    name: Callable[[str], str]
    branches: tuple[str, ...]
    backend: str
    age: float = 0.0
    unread: str = ""


def cache_disabled(setting: str) -> Cause:
    """The cache was not read, because nobody wanted it to be."""
    message = f"The cache was not read because of {setting}."
    return Cause(id=CauseId.CACHE_DISABLED, message=message, evidence={"setting": setting})


def no_install_before(record: InstallRecord, circumstances: Circumstances) -> Cause:
    """The build before had no install step to compare with."""
    return _at(
        circumstances,
        record.path[-1],
        id_=CauseId.INSTRUCTION_CHANGED,
        message="This install is new: the build before had none.",
        evidence={"old": None, "new": record.instruction},
    )


def platform_changed(record: InstallRecord, manifest: Manifest) -> Cause:
    """The build before was for other platforms."""
    platforms = sorted({each.platform for each in manifest.installs})
    return Cause(
        id=CauseId.PLATFORM_CHANGED,
        message=f"It was not built for {record.platform} before, only for {', '.join(platforms)}.",
        evidence={"platform": record.platform, "before": list(platforms)},
    )


def cache_unreadable(reason: str, circumstances: Circumstances) -> Cause:
    reason = hide_credentials(reason)  # a backend quotes the addresses it was given, signed ones too
    return Cause(
        id=CauseId.CACHE_UNREADABLE,
        message=f"The cache ({circumstances.backend}) could not be read: {reason}.",
        evidence={"backend": circumstances.backend, "words": reason},
        fix="The build went on without it. If this stays so, look at the cache's address, its login and its state.",
    )


def no_previous_build(circumstances: Circumstances) -> Cause:
    looked_at = ", ".join(circumstances.branches)
    return Cause(
        id=CauseId.NO_PREVIOUS_BUILD,
        message=f"Nothing was saved for this image yet (looked at: {looked_at}).",
        evidence={"branches": list(circumstances.branches)},
    )


def base_image_changed(old: PathEntry, new: PathEntry, circumstances: Circumstances) -> Cause:
    if old.image == new.image:
        message = f"{new.image} is another image now: its tag moved from {_short(old)} to {_short(new)}."
        fix = f"To decide yourself when this happens, pin it:\n    FROM {new.image}@{new.image_digest}"
    else:
        message = f"The base image is {new.image or new.instruction} now; it was {old.image or old.instruction}."
        fix = ""
    evidence: dict[str, object] = {
        "old": {"image": old.image, "digest": old.image_digest},
        "new": {"image": new.image, "digest": new.image_digest},
    }
    return _at(circumstances, new, id_=CauseId.BASE_IMAGE_CHANGED, message=message, evidence=evidence, fix=fix)


def instruction_changed(
    old: PathEntry | None,
    new: PathEntry | None,
    before: InstallRecord | None,
    record: InstallRecord,
    circumstances: Circumstances,
) -> Cause:
    known = {entry.instruction for entry in before.path} if before else set()
    now = {entry.instruction for entry in record.path}
    evidence: dict[str, object] = {"old": old.instruction if old else None, "new": new.instruction if new else None}
    at = new or record.path[-1]
    if new and new.instruction not in known and (old is None or old.instruction in now):
        message = f"An instruction was added before the install: {_quote(new)}."
    elif old and old.instruction not in now and (new is None or new.instruction in known):
        message = f"An instruction before the install was removed: {_quote(old)}."
    elif old and new and old.instruction in now and new.instruction in known:
        message = f"The order of instructions changed: {_quote(new)} stands where {_quote(old)} stood."
    else:
        message = f"{at.instruction.split(' ', 1)[0]} was edited: it was {_quote(old)}." if old else "It is new."
    return _at(circumstances, at, id_=CauseId.INSTRUCTION_CHANGED, message=message, evidence=evidence)


def dependencies_changed(paths: list[str], circumstances: Circumstances) -> Cause:
    difference = circumstances.difference
    if difference is None or difference.is_empty:
        return Cause(
            id=CauseId.DEPENDENCY_FILE_REWRITTEN,
            message=f"{_and(paths)} was written anew and still means the same: no package changed.",
            file=circumstances.name(paths[0]),
            evidence={"files": paths},
        )
    file, line = _first_place(difference, paths[0])
    return Cause(
        id=CauseId.DEPENDENCIES_CHANGED,
        message=f"{_tell_difference(difference)}.",
        file=circumstances.name(file),
        line=line,
        evidence={"files": paths, **difference.to_json()},
    )


def _first_place(difference: Difference, otherwise: str) -> tuple[str, int]:
    for change in (*difference.changed, *difference.added):
        if change.after is not None:
            return change.after.source.file, change.after.source.line
    return otherwise, 0


def _tell_difference(difference: Difference) -> str:
    told = [f"{_tell_change(change)}" for change in difference.changed if change.direct]
    told += [f"{change.after} was added" for change in difference.added if change.direct]
    told += [f"{change.name} was removed" for change in difference.removed if change.direct]
    indirect = sum(not c.direct for c in (*difference.changed, *difference.added, *difference.removed))
    if indirect:
        told.append(
            f"{indirect} {'package that others need' if indirect == 1 else 'packages that others need'} changed"
        )
    told += [f"the options in {change.file} changed" for change in difference.options_changed]
    told += [f"{path} changed" for path in difference.unreadable]
    told += [f"{old} is {new} now" for old, new in difference.renamed]
    if len(told) > NAMED:
        told = [*told[:NAMED], f"{len(told) - NAMED} more changes"]
    return _and(told) or "The dependencies changed"


def _tell_change(change: Change) -> str:
    before, after = change.before, change.after
    kind = change.kind.value if change.kind else "changed"
    if before is None or after is None:
        return f"{change.name} changed"
    if kind in ("upgraded", "downgraded", "loosened", "tightened", "specifier"):
        was, now = before.version or before.specifier or "any", after.version or after.specifier or "any"
        verb = "changed" if kind == "specifier" else f"was {kind}"
        return f"{change.name} {verb} from {was} to {now}"
    return f"the {kind} of {change.name} changed"


def copied_files_changed(entry: PathEntry, paths: list[str], circumstances: Circumstances) -> Cause:
    named = _and([*paths[:NAMED], *([f"{len(paths) - NAMED} more"] if len(paths) > NAMED else [])])
    return _at(
        circumstances,
        entry,
        id_=CauseId.COPIED_FILES_CHANGED,
        message=f"{named or 'A file'} changed, which {_quote(entry)} copies before the install.",
        evidence={"files": paths},
        fix="Copy the dependency files alone, install, and copy the rest after that.",
    )


def file_metadata_changed(modes: list[tuple[str, str, str]], circumstances: Circumstances) -> Cause:
    path, old, new = modes[0]
    more = f", and of {len(modes) - 1} more" if len(modes) > 1 else ""
    return Cause(
        id=CauseId.FILE_METADATA_CHANGED,
        message=f"The mode of {path} changed from {old} to {new}{more}; its content did not.",
        file=circumstances.name(path),
        evidence={"files": [{"file": each, "old": was, "new": now} for each, was, now in modes]},
        fix="Checkouts with another umask do this: set it, or write COPY --chmod=0644.",
    )


def build_arg_changed(old: PathEntry, new: PathEntry, record: InstallRecord, circumstances: Circumstances) -> Cause:
    before, after = dict(old.environment), dict(new.environment)
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    declared = (entry for entry in record.path if re.match(rf"ARG .*\b{re.escape(names[0])}\b", entry.instruction))
    return _at(
        circumstances,
        next(declared, new),
        id_=CauseId.BUILD_ARG_CHANGED,
        message=f"{_and(names)} {'has another value' if len(names) == 1 else 'have other values'} than before.",
        evidence={"names": names},
        fix=f"If the install does not need {'it' if len(names) == 1 else 'them'}, declare the ARG below the install.",
    )


def cache_evicted(manifest: Manifest, circumstances: Circumstances) -> Cause:
    days = circumstances.age / 86_400
    age = f"{days:.0f} days" if days >= 2 else f"{circumstances.age / 3600:.0f} hours"
    return Cause(
        id=CauseId.CACHE_EVICTED,
        message=f"Nothing it depends on changed, but its layer is no longer in the cache, where it was saved {age} ago.",
        evidence={"key": manifest.key, "saved_at": manifest.saved_at, "backend": circumstances.backend},
    )


def _at(
    circumstances: Circumstances,
    entry: PathEntry,
    *,
    id_: CauseId,
    message: str,
    evidence: dict[str, object],
    fix: str = "",
) -> Cause:
    return Cause(id=id_, message=message, file=circumstances.dockerfile, line=entry.line, evidence=evidence, fix=fix)


def _short(entry: PathEntry) -> str:
    return entry.image_digest.removeprefix("sha256:")[:12] or "no digest"


def _quote(entry: PathEntry) -> str:
    text = entry.instruction
    return f"`{text if len(text) <= 100 else text[:97] + '...'}`"


def _and(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
