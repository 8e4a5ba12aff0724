"""The files a COPY takes from the build context, with what BuildKit keys them by: path, mode and content."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pycache_action.cache.manifest import CopiedFile
from pycache_action.dockerfile.paths import PatternError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pycache_action.dockerfile.context import DirectoryContext

MOST_FILES = 20_000
MOST_BYTES = 256_000_000


class CopiedFiles:
    """Lists and hashes files of a build context, each once; `complete` is False when there were too many."""

    def __init__(self, context: DirectoryContext) -> None:
        self._context = context
        self._known: dict[str, CopiedFile] = {}
        self._bytes = 0
        self.complete = True

    def describe(self, source: str) -> Iterable[CopiedFile]:
        """The files that a COPY of `source`, a path or glob from the context's root, takes."""
        pattern = str(PurePosixPath(source.lstrip("/")))
        try:
            roots = ("",) if pattern in (".", "") else self._context.glob(pattern)
        except PatternError:
            return
        for root in roots:
            for path in self._walk(root):
                if (file := self._describe_file(path)) is not None:
                    yield file

    def _walk(self, root: str) -> Iterator[str]:
        top = self._context.root / root
        if not top.is_dir() or top.is_symlink():
            yield root
            return
        for folder, folders, names in os.walk(top):
            relative = Path(folder).relative_to(self._context.root)
            folders[:] = sorted(name for name in folders if not self._leads_nowhere((relative / name).as_posix()))
            links = [name for name in folders if Path(folder, name).is_symlink()]
            for name in sorted([*names, *links]):
                path = (relative / name).as_posix()
                if self._context.ignore.rule_for(path) is None:
                    yield path

    def _leads_nowhere(self, folder: str) -> bool:
        """Whether all of an ignored folder is ignored: an exception may bring back something in it."""
        ignore = self._context.ignore
        return not any(rule.exception for rule in ignore.rules) and ignore.rule_for(folder) is not None

    def _describe_file(self, path: str) -> CopiedFile | None:
        if path in self._known:
            return self._known[path]
        try:
            status = (self._context.root / path).lstat()
            digest = self._digest(self._context.root / path, status)
        except OSError:
            return None
        if digest is None or len(self._known) >= MOST_FILES:
            self.complete = False
            return None
        file = CopiedFile(path=path, digest=digest, mode=f"{stat.S_IMODE(status.st_mode):04o}")
        self._known[path] = file
        return file

    def _digest(self, path: Path, status: os.stat_result) -> str | None:
        if stat.S_ISLNK(status.st_mode):
            return hashlib.sha256(os.fsencode(path.readlink())).hexdigest()[:16]
        if not stat.S_ISREG(status.st_mode):
            return "special"
        self._bytes += status.st_size
        if self._bytes > MOST_BYTES:
            return None
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
