"""The files a build may copy: those of the context folder that `.dockerignore` leaves in."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pycache_action.dockerfile.dockerignore import Ignore, read_dockerignore
from pycache_action.dockerfile.paths import compile_part, has_wildcard, unescape

if TYPE_CHECKING:
    from pathlib import Path


class ContextFiles(Protocol):
    """What a build context holds. Paths are relative to it, with slashes, and never leave it."""

    def exists(self, path: str) -> bool:
        """Whether this is a file that the build can see."""
        ...

    def glob(self, pattern: str) -> tuple[str, ...]:
        """The files and folders a COPY source with wildcards matches, in order. Raises PatternError."""
        ...

    def excluded_by(self, path: str) -> str:
        """The ignore file and line that keep a path from the build; empty if none does."""
        ...

    def why_not(self, path: str) -> str:
        """Why `exists` is false for a file that one would expect, as in "it is ..."."""
        ...


@dataclass(frozen=True, slots=True)
class DirectoryContext:
    """A context in a folder of this machine. Links that lead out of it are not followed."""

    root: Path
    ignore: Ignore = field(default_factory=Ignore)

    def exists(self, path: str) -> bool:
        return self._is_visible(path) and self._inside(path).is_file()

    def glob(self, pattern: str) -> tuple[str, ...]:
        found = [""]
        for part in pattern.split("/"):
            found = [path for folder in found for path in self._children(folder, part)]
        return tuple(sorted(path for path in found if self._is_visible(path)))

    def excluded_by(self, path: str) -> str:
        rule = self.ignore.rule_for(path)
        return f"{self.ignore.name} line {rule.line}" if rule else ""

    def why_not(self, path: str) -> str:
        if self._inside(path).is_dir():
            return "a folder"
        if self._inside(path).is_symlink():
            return "a link that leads out of the build context, or nowhere"
        return "not in the build context"

    def _children(self, folder: str, part: str) -> list[str]:
        prefix = f"{folder}/" if folder else ""
        if not has_wildcard(part):
            name = unescape(part)
            return [f"{prefix}{name}"] if os.path.lexists(self._inside(f"{prefix}{name}")) else []
        pattern = compile_part(part)
        try:
            names = [entry.name for entry in self._inside(folder).iterdir()]
        except OSError:
            return []
        return [f"{prefix}{name}" for name in names if pattern.fullmatch(name)]

    def _is_visible(self, path: str) -> bool:
        """Neither excluded nor reached through a link that leads out of the context."""
        if "\x00" in path or self.ignore.rule_for(path) is not None:
            return False
        real = os.path.realpath(self._inside(path))
        root = os.path.realpath(self.root)
        inside = os.path.commonpath([real, root]) == root
        return inside and (real == root or self.ignore.rule_for(os.path.relpath(real, root)) is None)

    def _inside(self, path: str) -> Path:
        return self.root / path


def read_context(root: Path, dockerfile: Path) -> DirectoryContext:
    """The context of a build with its ignore rules. Raises InputError if these cannot be read."""
    return DirectoryContext(root, read_dockerignore(root, dockerfile))
