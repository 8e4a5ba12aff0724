"""Why an install step ran: the first difference on its path between this build and the one the manifest tells of."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


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
