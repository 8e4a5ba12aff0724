"""The outputs of the action: their names, and what each one says."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

OUTPUTS: Mapping[str, str] = {
    "imageid": "ID of the image.",
    "digest": "Digest of the image, for `image@digest`.",
    "metadata": "What buildx says about the result, as JSON.",
    "cache-hit": "`true` where every install step was cached, else `false`.",
    "cache-result": "`hit` (nothing was installed), `partial` (some packages were, the others were cached) or `miss`.",
    "cache-key": "Key of this build: scope, and a hash of what the dependency files mean.",
    "cache-matched-key": "Key of the earlier build whose cache was read, or nothing.",
    "miss-reason": "Causes of the misses, as ids with commas between them, such as `dependencies-changed`.",
    "report": "Path of the report, as JSON.",
    "comment-file": "Path of the pull request comment where it could not be posted, as on a fork, or nothing.",
}
