"""What every format is read into: requirements, the files they stand in, and the set of all files.

The *meaning* of these values is what an installer makes of them. It leaves out where a requirement stands, how it is
spelled and which tool wrote it down. One meaning, one hash.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias, get_args

from packaging.utils import canonicalize_version

from pycache_action.dependencies import document
from pycache_action.dependencies.selection import Selection as Selection  # noqa: PLC0414 (a part of the model)

SCHEMA = 1

Role: TypeAlias = Literal["requirements", "constraints"]
Meaning: TypeAlias = tuple["str | bool | Meaning", ...]


class Format(StrEnum):
    """How a dependency file is read. `BYTES` files are not understood: any other byte is another meaning."""

    REQUIREMENTS = "requirements.txt"
    PYPROJECT = "pyproject.toml"
    UV_LOCK = "uv.lock"
    POETRY_LOCK = "poetry.lock"
    PYLOCK = "pylock.toml"
    PDM_LOCK = "pdm.lock"
    PIPFILE = "Pipfile"
    PIPFILE_LOCK = "Pipfile.lock"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class Source:
    """Where something stands: a POSIX path relative to the build context and a line counted from 1 (0: not known)."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One package that is asked for, or pinned by a lock file.

    `name` is canonical (PEP 503); where nothing tells the name (`./libs/core`), it is the path or URL as written.
    `specifier` and `marker` are spelled in one way only. `url` never holds credentials. `index` is the index a lock
    file or a source table binds the package to. `direct` is False for what a lock file holds only because another
    package needs it.
    """

    name: str
    specifier: str = ""
    extras: tuple[str, ...] = ()
    marker: str = ""
    url: str = ""
    index: str = ""
    hashes: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    editable: bool = False
    direct: bool = field(default=True, compare=False)
    source: Source = field(compare=False)

    @property
    def meaning(self) -> Meaning:
        return (
            self.name,
            self.clauses,
            self.extras,
            self.marker,
            self.url,
            self.index,
            self.hashes,
            self.options,
            self.editable,
        )

    @property
    def clauses(self) -> tuple[str, ...]:
        """The clauses of the specifier, `==1.0` and `==1.0.0` being one."""
        return tuple(sorted(map(_without_trailing_zeros, self.specifier.split(","))))

    @property
    def version(self) -> str:
        """The one version this pins, or the empty text."""
        operator, version = self.specifier[:2], self.specifier[2:].lstrip("=")
        return version if operator == "==" and "," not in version and not version.endswith("*") else ""

    @property
    def is_printable(self) -> bool:
        """Whether all of it can be shown and kept; a lock file may hold any text where a name is expected."""
        texts = (self.name, self.specifier, self.marker, self.url, self.index)
        return all(map(str.isprintable, (*texts, *self.extras, *self.hashes, *self.options)))

    def __str__(self) -> str:
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        marker = f" ; {self.marker}" if self.marker else ""
        location = f" @ {self.url}" if self.url and self.url != self.name else ""
        return f"{'-e ' if self.editable else ''}{self.name}{extras}{self.specifier}{location}{marker}"

    def to_json(self) -> dict[str, object]:
        written: dict[str, object] = {"name": self.name, "file": self.source.file, "line": self.source.line}
        for name in ("specifier", "marker", "url", "index"):
            if value := getattr(self, name):
                written[name] = value
        for name in ("extras", "hashes", "options"):
            if value := getattr(self, name):
                written[name] = list(value)
        if self.editable:
            written["editable"] = True
        if not self.direct:
            written["direct"] = False
        return written

    @classmethod
    def from_json(cls, value: object) -> Requirement:
        read = document.fields(value, required=_REQUIREMENT_REQUIRED, optional=_REQUIREMENT_OPTIONAL)
        return cls(
            name=document.text(read["name"]),
            specifier=document.text(read.get("specifier", "")),
            extras=document.texts(read.get("extras", [])),
            marker=document.text(read.get("marker", "")),
            url=document.text(read.get("url", "")),
            index=document.text(read.get("index", "")),
            hashes=document.texts(read.get("hashes", [])),
            options=document.texts(read.get("options", [])),
            editable=document.flag(read.get("editable", False)),
            direct=document.flag(read.get("direct", True)),
            source=Source(document.path(read["file"]), document.line_number(read["line"])),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a dependency file is not understood: what was expected at `file` and `line`, and what stands there."""

    file: str
    line: int = 0
    expected: str
    seen: str = ""

    def __str__(self) -> str:
        found = f", found {self.seen!r}" if self.seen else ""
        return f"{Source(self.file, self.line)}: expected {self.expected}{found}"

    def to_json(self) -> dict[str, object]:
        return {"file": self.file, "line": self.line, "expected": self.expected, "seen": self.seen}

    @classmethod
    def from_json(cls, value: object) -> Problem:
        read = document.fields(value, required=frozenset({"file", "line", "expected", "seen"}))
        return cls(
            file=document.path(read["file"]),
            line=document.line_number(read["line"]),
            expected=document.text(read["expected"]),
            seen=document.text(read["seen"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DependencyFile:
    """One dependency file as an install step sees it.

    `path` is POSIX and relative to the build context. `wanted_by` is the label of the file that the install step
    names: its own, or that of the file which includes this one. `options` are index and build options without
    credentials; a wanted file's are those of its whole graph, in the order pip reads them. `digest` is the SHA-256 of
    the bytes, empty when they were not read. A file with a `problem` has no requirements; its bytes stand for it.
    """

    path: str
    wanted_by: str
    format: Format
    role: Role = "requirements"
    requirements: tuple[Requirement, ...] = ()
    options: tuple[str, ...] = ()
    digest: str = ""
    problem: Problem | None = None

    @property
    def is_understood(self) -> bool:
        """Whether the file counts by its meaning; otherwise it counts by its bytes."""
        return self.problem is None and self.format is not Format.BYTES

    def to_json(self) -> dict[str, object]:
        return {
            "path": self.path,
            "wanted_by": self.wanted_by,
            "format": self.format.value,
            "role": self.role,
            "requirements": [requirement.to_json() for requirement in self.requirements],
            "options": list(self.options),
            "digest": self.digest,
            "problem": self.problem.to_json() if self.problem else None,
        }

    @classmethod
    def from_json(cls, value: object) -> DependencyFile:
        read = document.fields(value, required=_FILE_FIELDS)
        return cls(
            path=document.path(read["path"]),
            wanted_by=document.text(read["wanted_by"]),
            format=Format(document.text(read["format"])),
            role=_role(read["role"]),
            requirements=document.items(read["requirements"], Requirement.from_json),
            options=document.texts(read["options"]),
            digest=document.digest(read["digest"]),
            problem=None if read["problem"] is None else Problem.from_json(read["problem"]),
        )


@dataclass(frozen=True, slots=True)
class Graph:
    """A file that an install step names, first, and all that it includes."""

    files: tuple[DependencyFile, ...]

    @property
    def path(self) -> str:
        return self.files[0].path

    @property
    def options(self) -> tuple[str, ...]:
        return self.files[0].options if self.files else ()

    def requirements(self) -> set[tuple[Role, Requirement]]:
        return {(file.role, one) for file in self.files if file.is_understood for one in file.requirements}

    def by_bytes(self) -> set[tuple[Role, str, str]]:
        """Return role, path and digest of each file that is not understood."""
        return {(file.role, file.path, file.digest) for file in self.files if not file.is_understood}

    def meaning(self) -> str:
        """Return a canonical text; empty where nothing is asked for."""
        understood = sorted({(role, one.meaning) for role, one in self.requirements()})
        by_bytes = sorted(self.by_bytes())
        if not (self.options or understood or by_bytes):
            return ""
        return json.dumps([self.path, self.options, understood, by_bytes], separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class DependencySet:
    """All dependency files of one build, included ones too, in the order they were read."""

    files: tuple[DependencyFile, ...] = ()

    @property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(dict.fromkeys(file.problem for file in self.files if file.problem))

    def graphs(self) -> tuple[Graph, ...]:
        """Return the wanted files, each with what it includes."""
        labels = dict.fromkeys(file.wanted_by for file in self.files)
        return tuple(Graph(tuple(file for file in self.files if file.wanted_by == label)) for label in labels)

    def meaning(self) -> str:
        """Return the SHA-256 of what an installer makes of all files.

        The order of files and of requirements does not matter, nor does moving a requirement into an included file.
        Moving it to another file that an install step names is another meaning: another step would install it.
        """
        parts = sorted({graph.meaning() for graph in self.graphs()} - {""})
        return hashlib.sha256(json.dumps(["pycache dependencies", SCHEMA, parts]).encode()).hexdigest()

    def to_json(self) -> dict[str, object]:
        return {"schema": SCHEMA, "files": [file.to_json() for file in self.files]}

    @classmethod
    def from_json(cls, value: object) -> DependencySet:
        """Read what `to_json` wrote. Raises ValueError on anything else: the document may be forged."""
        read = document.fields(value, required=frozenset({"schema", "files"}))
        if document.line_number(read["schema"]) != SCHEMA:
            raise ValueError(f"expected schema {SCHEMA}")
        return cls(document.items(read["files"], DependencyFile.from_json))


def _without_trailing_zeros(clause: str) -> str:
    """Return `==1.0.0` as `==1`: to a version comparison they are one. `~=` and `==1.0.*` count their parts."""
    version = clause.lstrip("<>=!~")
    operator = clause[: len(clause) - len(version)]
    if operator in ("~=", "===", "") or version.endswith("*"):
        return clause
    return operator + canonicalize_version(version)


def _role(value: object) -> Role:
    for role in get_args(Role):
        if value == role:
            return role  # type: ignore[no-any-return]
    raise ValueError(f"expected a role, found {value!r}")


_REQUIREMENT_REQUIRED = frozenset({"name", "file", "line"})
_REQUIREMENT_OPTIONAL = frozenset(
    {"specifier", "extras", "marker", "url", "index", "hashes", "options", "editable", "direct"}
)
_FILE_FIELDS = frozenset({"path", "wanted_by", "format", "role", "requirements", "options", "digest", "problem"})
