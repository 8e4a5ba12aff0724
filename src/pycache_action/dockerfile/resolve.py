"""From what an installer asks for to the files of the build context that it gets."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pycache_action.dependencies.model import Role, Selection
from pycache_action.dependencies.read import WantedFile
from pycache_action.dockerfile.origins import Origin, View
from pycache_action.dockerfile.shell.words import Value

if TYPE_CHECKING:
    from pycache_action.dockerfile.installers.request import Kind, Local, ProjectWish, Request, Tool, Wish

_PROJECT_FILES: Final = ("pyproject.toml", "setup.cfg", "setup.py")
_URL: Final = re.compile(r"[a-z]+://", re.IGNORECASE)
_NOTHING: Final = "nothing copies it from the build context"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallCommand:
    """One command of an install step; the fields as in `InstallStep`.

    `argv` is what the shell would start, with the passwords in it: it is not to be shown.
    """

    tool: Tool
    kind: Kind
    argv: tuple[str, ...]
    wanted: tuple[WantedFile, ...] = ()
    named: tuple[str, ...] = ()
    project: tuple[str, ...] = ()
    unresolved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """Files of the context, and what is unresolved about them."""

    wanted: tuple[WantedFile, ...] = ()
    unresolved: tuple[str, ...] = ()


Stream = Callable[[str], "Found | None"]
"""What a shell script prints, if it prints dependency files; for `-r <(poetry export)`."""


@dataclass(slots=True)
class Resolver:
    """Collects the files of one request. `path_of` makes a word an absolute path, `stream` reads a substitution."""

    view: View
    path_of: Callable[[Value], str]
    stream: Stream
    wanted: dict[WantedFile, None] = field(default_factory=dict)
    unresolved: dict[str, None] = field(default_factory=dict)

    def resolve(self, request: Request) -> Found:
        for note in request.notes:
            self.unresolved[note] = None
        for wish in request.files:
            self._file(wish)
        for project in request.projects:
            self._project(project)
        covered = {project.folder.text for project in request.projects}
        for local in request.local:
            if local.path.text not in covered:
                self._local(local)
        return Found(tuple(self.wanted), tuple(self.unresolved))

    def _file(self, wish: Wish) -> None:
        text = wish.path.text
        if wish.path.substitutions:
            self._streamed(wish)
        elif _URL.match(text):
            self.unresolved[f"{text}: read from the network"] = None
        else:
            origin = self._find(wish.path)
            if origin is not None:
                self._take(text, origin, wish.role, wish.selection)
            else:
                self.unresolved[f"{text}: {self._why_nothing(wish.path)}"] = None

    def _streamed(self, wish: Wish) -> None:
        found = self.stream(wish.path.substitutions[0]) if wish.path.text.startswith("<(") else None
        if found is None:
            self.unresolved[f"{wish.path.text}: {wish.path.why_unknown}"] = None
            return
        self.wanted.update(dict.fromkeys(found.wanted))
        self.unresolved.update(dict.fromkeys(found.unresolved))

    def _find(self, word: Value) -> Origin | None:
        path = self.path_of(word)
        origin = self.view.find(path)
        if origin is not None:
            return origin if origin != Origin() else None
        elsewhere = self.view.find_elsewhere(path)
        if elsewhere is None:
            return None
        unknown = "a folder whose name is not known here"
        return Origin(path=elsewhere.path, doubt=f"taken to be {elsewhere.path}, which is copied to {unknown}")

    def _why_nothing(self, word: Value) -> str:
        return word.why_unknown or ("a wildcard for several files" if word.wildcard else _NOTHING)

    def _take(self, text: str, origin: Origin, role: Role, selection: Selection) -> None:
        if origin.path:
            self.wanted[WantedFile(origin.path, role, selection)] = None
        self.wanted.update(dict.fromkeys(origin.wanted))
        if origin.doubt:
            self.unresolved[f"{text}: {origin.doubt}"] = None

    def _project(self, wish: ProjectWish) -> None:
        """The lock file and the project file, each in the nearest folder that has one; both where the lock is."""
        if wish.folder.substitutions:
            self.unresolved[f"{wish.folder.text}: {wish.folder.why_unknown}"] = None
            return
        lock = self._nearest(wish.folder, wish.lock)
        project = self._nearest(wish.folder, wish.project)
        if lock is None and project is None:
            self.unresolved[f"{_shown(wish.folder, wish.project)}: {self._why_nothing(wish.folder)}"] = None
            return
        places = [lock, project]
        if lock is not None and project is not None and posixpath.dirname(lock[0]) != posixpath.dirname(project[0]):
            places.append(self._at(join_name(posixpath.dirname(lock[0]), wish.project)))
        for place in filter(None, places):
            name = posixpath.basename(place[0])
            self._take(_shown(wish.folder, name), place[1], "requirements", wish.selection)

    def _nearest(self, folder: Value, name: str) -> tuple[str, Origin] | None:
        path = self.path_of(folder)
        for parent in _upwards(path):
            found = self._at(join_name(parent, name))
            if found is not None:
                return found
        origin = self.view.find_elsewhere(join_name(path, name))
        if origin is None:
            return None
        return join_name(path, name), origin

    def _at(self, path: str) -> tuple[str, Origin] | None:
        origin = self.view.find(path)
        return (path, origin) if origin is not None and origin != Origin() else None

    def _local(self, local: Local) -> None:
        """A path that is installed: a project, whose dependencies stand in its own files, or a built package."""
        if local.path.substitutions:
            self.unresolved[f"{local.path.text}: {local.path.why_unknown}"] = None
            return
        selection = Selection(extras=local.extras, default_groups=False)
        path = self.path_of(Value(local.path.text.removeprefix("file:")))
        origins = {name: self.view.find(join_name(path, name)) for name in _PROJECT_FILES}
        there = {name: origin for name, origin in origins.items() if origin and (origin.path or origin.wanted)}
        for name, origin in there.items():
            self._take(_shown(local.path, name), origin, "requirements", selection)
        if there:
            return
        built = self.view.find(path)
        if built is None or built == Origin():
            doubts = [origin.doubt for origin in origins.values() if origin and origin.doubt]
            self.unresolved[f"{local.path.text}: {doubts[0] if doubts else self._why_nothing(local.path)}"] = None
        elif not built.path:
            self._take(local.path.text, built, "requirements", selection)


def join_name(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}"


def _upwards(path: str) -> Iterator[str]:
    """The folder, the one above it, and so on up to the root or to a beginning nobody knows."""
    while True:
        yield path
        parent = posixpath.dirname(path)
        if parent in (path, "") or "${" in path[len(parent) :]:
            return
        path = parent


def _shown(folder: Value, name: str) -> str:
    return name if folder.text in (".", "./") else join_name(folder.text, name)
