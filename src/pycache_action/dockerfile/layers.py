"""The layers of a stage: what COPY, ADD, mounts and commands put there, and where each takes it from."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Protocol

from pycache_action.dockerfile.dockerignore import Ignore
from pycache_action.dockerfile.origins import Origin, View
from pycache_action.dockerfile.paths import PatternError, below, clean, compile_part, has_wildcard, in_context, unescape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pycache_action.dockerfile.context import ContextFiles

_ARCHIVE: Final = re.compile(r"\.(tar|tgz|tbz2?|txz|tar\.\w+)$", re.IGNORECASE)


class Supply(Protocol):
    """Where a COPY or a mount takes its files."""

    def find(self, path: str, depth: int) -> Origin | None: ...

    def expand(self, pattern: str) -> tuple[str, ...] | None:
        """The paths that match; None if they cannot be listed."""
        ...

    def excluded(self, path: str) -> str:
        """Why a path is certainly kept out of the build, as a sentence; empty if it is not."""
        ...

    def why_not(self, path: str) -> str:
        """Why a path that was named is not found, as a sentence; empty if there is nothing to say."""
        ...


@dataclass(frozen=True, slots=True)
class FromContext:
    context: ContextFiles

    def find(self, path: str, depth: int) -> Origin | None:
        del depth
        inside = in_context(path)
        if has_wildcard(inside):
            found = self.expand(inside)
            return Origin(path=found[0]) if found else None
        return Origin(path=inside) if self.context.exists(inside) else None

    def expand(self, pattern: str) -> tuple[str, ...]:
        try:
            return self.context.glob(in_context(pattern))
        except PatternError:
            return ()

    def excluded(self, path: str) -> str:
        inside = in_context(path)
        by = self.context.excluded_by(inside)
        return f"{inside} is excluded by {by}" if by else ""

    def why_not(self, path: str) -> str:
        inside = in_context(path)
        return self.excluded(path) or f"{inside} is {self.context.why_not(inside)}"


@dataclass(frozen=True, slots=True)
class FromStage:
    view: View

    def find(self, path: str, depth: int) -> Origin | None:
        return self.view.find(clean(f"/{path}") if not path.startswith("${") else path, depth + 1)

    def expand(self, pattern: str) -> None:
        del pattern

    def excluded(self, path: str) -> str:
        del path
        return ""

    def why_not(self, path: str) -> str:
        del path
        return ""


@dataclass(frozen=True, slots=True)
class FromElsewhere:
    """An image, a named context, a URL: nobody here knows what is in it. `what` says what it is."""

    what: str

    def find(self, path: str, depth: int) -> Origin | None:
        del path, depth
        return Origin(doubt=f"it may come from {self.what}", certain=False)

    def expand(self, pattern: str) -> None:
        del pattern

    def excluded(self, path: str) -> str:
        del path
        return ""

    def why_not(self, path: str) -> str:
        del path
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyLayer:
    """One COPY or ADD. `target` is absolute; `into` says that it is certainly a folder."""

    line: int
    sources: tuple[str, ...]
    target: str
    into: bool
    supply: Supply
    exclude: Ignore = field(default_factory=Ignore)
    parents: bool = False
    unpacks: bool = False

    @property
    def folder(self) -> str:
        return self.target

    def find(self, path: str, depth: int) -> Origin | None:
        inside = below(path, self.target)
        if inside is None:
            return None
        guess: Origin | None = None
        for source in reversed(self.sources):
            found = self._from_source(source, inside, depth)
            if found is not None and found.certain:
                return found
            guess = guess or found
        return guess

    def _from_source(self, source: str, inside: str, depth: int) -> Origin | None:
        if self.parents:
            return self._with_parents(source, inside, depth)
        if self.unpacks and _ARCHIVE.search(source):
            return Origin(doubt=f"it may be unpacked from {source} by line {self.line}", certain=False)
        if not has_wildcard(source):
            return self._from_path(unescape(source), inside, depth)
        listed = self.supply.expand(source)
        if listed is None:
            listed = self._candidates(source, inside)
        found = [origin for path in listed if (origin := self._from_path(path, inside, depth))]
        certain = next((origin for origin in found if origin.certain), None)
        return certain or self._refused_by_pattern(source, inside) or next(iter(found), None)

    def _from_path(self, source: str, inside: str, depth: int) -> Origin | None:
        """A file named in the COPY goes to the target or into it; what is in a folder goes into the target."""
        name = posixpath.basename(clean(source))
        is_file = inside == name or (inside == "." and not self.into)
        why = ""
        if is_file:
            found = self.supply.find(source, depth)
            if found is not None:
                return found
            why = self.supply.why_not(source)
        if inside != "." and not self.exclude.rule_for(inside):
            found = self.supply.find(f"{source}/{inside}", depth)
            if found is not None:
                return found
            why = self.supply.excluded(source) or self.supply.excluded(f"{source}/{inside}") or why
        return Origin(doubt=f"{why} (line {self.line} copies it)", certain=False) if why else None

    def _candidates(self, pattern: str, inside: str) -> tuple[str, ...]:
        """What a pattern in another stage must have matched for this path to be there."""
        folder, _, last = pattern.rpartition("/")
        name = inside.split("/")[0]
        if has_wildcard(folder) or not _matches(last, name):
            return ()
        return (f"{folder}/{name}",)

    def _refused_by_pattern(self, pattern: str, inside: str) -> Origin | None:
        folder, _, last = pattern.rpartition("/")
        if has_wildcard(folder) or not _matches(last, inside):
            return None
        why = self.supply.excluded(f"{folder}/{inside}")
        return Origin(doubt=why, certain=False) if why else None

    def _with_parents(self, source: str, inside: str, depth: int) -> Origin | None:
        pivot, separator, pattern = source.partition("/./")
        start, pattern = (pivot, pattern) if separator else ("", source)
        wanted = clean(f"/{pattern}").lstrip("/")
        parts, names = wanted.split("/"), inside.split("/")
        if wanted and not _matches_start(parts, names):
            return None
        return self.supply.find(f"{start}/{inside}", depth)


def _matches(pattern: str, name: str) -> bool:
    try:
        return compile_part(pattern).fullmatch(name) is not None
    except PatternError:
        return False


def _matches_start(parts: Sequence[str], names: Sequence[str]) -> bool:
    """Whether a path, or a folder it is in, matches a pattern in which `**` is any number of folders."""
    if not parts:
        return True
    if parts[0] == "**":
        return any(_matches_start(parts[1:], names[at:]) for at in range(len(names) + 1))
    return bool(names) and _matches(parts[0], names[0]) and _matches_start(parts[1:], names[1:])


@dataclass(frozen=True, slots=True)
class WrittenLayer:
    """One file, or (`whole`) a folder with all in it, of which `origin` says what it is."""

    folder: str
    origin: Origin
    whole: bool = False

    def find(self, path: str, depth: int) -> Origin | None:
        del depth
        inside = below(path, self.folder)
        return self.origin if inside == "." or (self.whole and inside is not None) else None


@dataclass(frozen=True, slots=True)
class ChangedLayer:
    """A file that a command rewrote: what it was, and `doubt`."""

    folder: str
    doubt: str
    before: View

    def find(self, path: str, depth: int) -> Origin | None:
        if path != self.folder:
            return None
        found = self.before.find(path, depth + 1)
        return replace(found, doubt=self.doubt, certain=True) if found else Origin(doubt=self.doubt)


@dataclass(frozen=True, slots=True)
class MovedLayer:
    """What `cp`, `mv` or `ln` put at `folder`, or into it, from `source`."""

    folder: str
    source: str
    before: View

    def find(self, path: str, depth: int) -> Origin | None:
        inside = below(path, self.folder)
        if inside is None:
            return None
        name = posixpath.basename(self.source)
        candidates = [self.source if inside == "." else f"{self.source}/{inside}"]
        if inside == name or inside.startswith(f"{name}/"):
            candidates.append(self.source + inside[len(name) :])
        if _matches(name, inside):  # cp *.txt folder/
            candidates.append(f"{posixpath.dirname(self.source)}/{inside}")
        found = (self.before.find(candidate, depth + 1) for candidate in candidates)
        return next((origin for origin in found if origin is not None), None)


@dataclass(frozen=True, slots=True)
class MountLayer:
    """A bind mount: all of `folder` is `source` of the supply, and nothing else."""

    folder: str
    source: str
    supply: Supply

    def find(self, path: str, depth: int) -> Origin | None:
        inside = below(path, self.folder)
        if inside is None:
            return None
        source = self.source if inside == "." else f"{self.source}/{inside}"
        found = self.supply.find(source, depth)
        if found is not None:
            return replace(found, certain=True)
        why = self.supply.why_not(source) if inside == "." else self.supply.excluded(source)
        return Origin(doubt=why) if why else Origin()
