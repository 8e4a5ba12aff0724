"""Read all dependency files of a build: each in its format, and the files that they include."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import TYPE_CHECKING, assert_never

from pycache_action.dependencies.content import Content, Unreadable, read_content
from pycache_action.dependencies.formats import Asked, Include, Option, Parsed, Parser, canonical_options
from pycache_action.dependencies.locations import redacted
from pycache_action.dependencies.malformed import MalformedError
from pycache_action.dependencies.model import (
    DependencyFile,
    DependencySet,
    Format,
    Problem,
    Role,
    Selection,
    Source,
)
from pycache_action.dependencies.pdm_lock import parse_pdm_lock
from pycache_action.dependencies.pipfile import parse_pipfile
from pycache_action.dependencies.pipfile_lock import parse_pipfile_lock
from pycache_action.dependencies.poetry_lock import parse_poetry_lock
from pycache_action.dependencies.pylock import parse_pylock
from pycache_action.dependencies.pyproject import parse_pyproject
from pycache_action.dependencies.requirements_txt import parse_requirements_txt
from pycache_action.dependencies.uv_lock import parse_uv_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

MAX_FILES = 200  # that one wanted file includes
MAX_DEPTH = 30
MAX_REQUIREMENTS = 50_000  # of one build

_PARSERS: Mapping[Format, Parser] = MappingProxyType(
    {
        Format.REQUIREMENTS: parse_requirements_txt,
        Format.PYPROJECT: parse_pyproject,
        Format.UV_LOCK: parse_uv_lock,
        Format.POETRY_LOCK: parse_poetry_lock,
        Format.PDM_LOCK: parse_pdm_lock,
        Format.PYLOCK: parse_pylock,
        Format.PIPFILE: parse_pipfile,
        Format.PIPFILE_LOCK: parse_pipfile_lock,
    }
)
# The first pattern that a file's name matches; what matches none is read as pip reads the argument of `-r`.
_NAMES: tuple[tuple[str, Format], ...] = (
    ("pyproject.toml", Format.PYPROJECT),
    ("uv.lock", Format.UV_LOCK),
    ("poetry.lock", Format.POETRY_LOCK),
    ("pdm.lock", Format.PDM_LOCK),
    ("pdm.*.lock", Format.PDM_LOCK),
    ("pylock.toml", Format.PYLOCK),
    ("pylock.*.toml", Format.PYLOCK),
    ("Pipfile", Format.PIPFILE),
    ("Pipfile.lock", Format.PIPFILE_LOCK),
    ("*.py", Format.BYTES),
    ("*.cfg", Format.BYTES),
    ("*.toml", Format.BYTES),
    ("*.lock", Format.BYTES),
    ("*.json", Format.BYTES),
    ("*.yml", Format.BYTES),
    ("*.yaml", Format.BYTES),
)


@dataclass(frozen=True, slots=True)
class WantedFile:
    """A dependency file that an install step names, relative to the root, and the part of it the step asks for."""

    path: str
    role: Role = "requirements"
    selection: Selection = field(default_factory=Selection)

    @property
    def label(self) -> str:
        selection = str(self.selection)
        return redacted(f"{self.path} ({selection})" if selection else self.path, limit=1000)


def find_format(path: str) -> Format:
    """Return the format that a file's name stands for."""
    name = posixpath.basename(path)
    return next((one for pattern, one in _NAMES if fnmatchcase(name, pattern)), Format.REQUIREMENTS)


def read_dependencies(root: Path, wanted: Sequence[WantedFile]) -> DependencySet:
    """Read the wanted files and all they include below the folder `root`.

    Never raises on account of a file: one that is missing, malformed, too large or outside the root has a `problem`.
    """
    resolved = root.resolve()
    files: list[DependencyFile] = []
    for one in dict.fromkeys(wanted):
        allowed = MAX_REQUIREMENTS - sum(len(file.requirements) for file in files)
        files.extend(_Graph(root=resolved, wanted=one, allowed=allowed).read())
    return DependencySet(tuple(files))


@dataclass(slots=True, kw_only=True)
class _Graph:
    """One wanted file and what it includes; each file is read once per role."""

    root: Path
    wanted: WantedFile
    allowed: int
    files: list[DependencyFile] = field(default_factory=list)
    options: list[Option] = field(default_factory=list)
    visited: set[tuple[str, Role]] = field(default_factory=set)

    def read(self) -> list[DependencyFile]:
        path = posixpath.normpath(self.wanted.path)
        if _is_outside(path):
            inside = redacted(path.replace("..", "(outside)").strip("/") or "(outside)")
            problem = Problem(file=inside, expected="a path inside the build context", seen=redacted(self.wanted.path))
            return [DependencyFile(path=inside, wanted_by=self.wanted.label, format=Format.BYTES, problem=problem)]
        self._visit(path, self.wanted.role, Source(path), ())
        self.files[0] = replace(self.files[0], options=canonical_options(self.options))
        return self.files

    def _visit(self, path: str, role: Role, named_at: Source, including: tuple[str, ...]) -> None:
        self.visited.add((path, role))
        file, directives = self._read_file(path, role, named_at)
        place = len(self.files)
        self.files.append(file)
        self.allowed -= len(file.requirements)
        for directive in directives:
            match directive:
                case Option():
                    self.options.append(directive)
                case Include():
                    problem = self._follow(directive, path, (*including, path))
                    if problem and not self.files[place].problem:
                        self.files[place] = replace(file, problem=problem, requirements=())
                case _:
                    assert_never(directive)

    def _follow(self, include: Include, path: str, including: tuple[str, ...]) -> Problem | None:
        """Read an included file, or say why the including one cannot be understood."""
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), include.path))
        refusal = ""
        if _is_outside(target):
            refusal = "a path inside the build context"
        elif target in including:
            refusal = "a file that does not include itself"
        elif len(including) > MAX_DEPTH or len(self.visited) > MAX_FILES:
            refusal = f"at most {MAX_FILES} included files, {MAX_DEPTH} deep"
        elif (target, include.role) not in self.visited:
            self._visit(target, include.role, Source(path, include.line), including)
        seen = redacted(include.path)
        return Problem(file=path, line=include.line, expected=refusal, seen=seen) if refusal else None

    def _read_file(
        self, path: str, role: Role, named_at: Source
    ) -> tuple[DependencyFile, tuple[Option | Include, ...]]:
        content = read_content(self.root, path)
        format = find_format(path)
        parsed = self._parse(format, content, path, named_at)
        file = DependencyFile(
            path=path,
            wanted_by=self.wanted.label,
            format=format,
            role=role,
            requirements=() if parsed.problem else parsed.requirements,
            options=canonical_options(one for one in parsed.directives if isinstance(one, Option)),
            digest=content.digest,
            problem=parsed.problem,
        )
        return file, parsed.directives

    def _parse(self, format: Format, content: Content | Unreadable, path: str, named_at: Source) -> Parsed:
        parser = _PARSERS.get(format)
        match content:
            case Content(data) if parser:
                asked = Asked(path=path, selection=self.wanted.selection, read_beside=self._read_beside(path))
                return _parse(parser, data, asked, self.allowed)
            case Unreadable(expected, digest) if parser or not digest:
                # A file that is absent is a fault of the line that names it.
                absent = not digest and named_at.file != path
                where, seen = (named_at, redacted(path)) if absent else (Source(path), "")
                return Parsed(problem=Problem(file=where.file, line=where.line, expected=expected, seen=seen))
            case _:  # counts by its bytes
                return Parsed()

    def _read_beside(self, path: str) -> Callable[[str], bytes | None]:
        def read(name: str) -> bytes | None:
            match read_content(self.root, posixpath.join(posixpath.dirname(path), name)):
                case Content(data, _):
                    return data
                case Unreadable():
                    return None

        return read


def _parse(parser: Parser, data: bytes, asked: Asked, allowed: int) -> Parsed:
    try:
        parsed = parser(data, asked)
        if len(parsed.requirements) > allowed:
            raise MalformedError(f"at most {MAX_REQUIREMENTS} requirements in all files")
        for requirement in parsed.requirements:
            if not requirement.is_printable:
                raise MalformedError("names and places without control characters", line=requirement.source.line)
    except MalformedError as error:
        return Parsed(problem=error.problem(asked.path))
    return parsed


def _is_outside(path: str) -> bool:
    return path.startswith(("/", "../")) or path in ("..", ".") or not path.isprintable()
