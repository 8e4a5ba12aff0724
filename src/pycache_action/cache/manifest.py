"""What is kept with each cache so that the next build can plan and explain: a small JSON document.

Anybody who may write to the cache may have written it, so it is read strictly and as a whole: a document that is not
exactly what this version writes counts as none.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from pycache_action.dependencies import document
from pycache_action.dependencies.model import DependencySet

SCHEMA = 1
KEPT_KEYS = 20
LARGEST_FILE_LIST = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedFile:
    """A file of the build context as it was copied: what its layer's cache key is made of."""

    path: str
    digest: str
    mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PathEntry:
    """One instruction an install step stands on, and all that could make it differ in the next build.

    `image` and `image_digest` belong to a FROM or a copy from an image, `files` to a copy from the build context.
    `environment` holds salted hashes of the values a RUN sees, never the values. `files_digest` covers all files,
    those beyond the list's limit too.
    """

    line: int
    stage: str
    instruction: str
    image: str = ""
    image_digest: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    files: tuple[CopiedFile, ...] = ()
    files_digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallRecord:
    """An install step as it was when it was saved. `seconds` is what it took when it last ran, `packages` how many it
    installed then (0: not known). `line` and `vertex` are this build's, and not saved.
    """

    instruction: str
    stage: str
    platform: str
    seconds: float
    packages: int
    path: tuple[PathEntry, ...]
    line: int = 0
    vertex: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedKey:
    """A cache of layers that was written, and when (seconds since the epoch)."""

    key: str
    saved_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What the last saved build of a scope on a branch was made from."""

    scope: str
    branch: str
    key: str
    salt: str
    keys: tuple[SavedKey, ...]
    dependencies: DependencySet
    installs: tuple[InstallRecord, ...]

    @property
    def saved_at(self) -> float:
        """When it was saved, in seconds since the epoch."""
        return max((each.saved_at for each in self.keys), default=0.0)

    def holds(self, key: str) -> bool:
        """Whether layers for this key were saved on this branch."""
        return any(each.key == key for each in self.keys)


def hash_value(salt: str, value: str) -> str:
    """A salted hash, for values that may be secret and only have to be compared."""
    return hashlib.sha256(f"{salt}:{value}".encode()).hexdigest()[:16]


def render_manifest(manifest: Manifest) -> str:
    """Write the document."""
    return json.dumps(
        {
            "schema": SCHEMA,
            "scope": manifest.scope,
            "branch": manifest.branch,
            "key": manifest.key,
            "salt": manifest.salt,
            "keys": [{"key": each.key, "saved_at": each.saved_at} for each in manifest.keys[-KEPT_KEYS:]],
            "dependencies": manifest.dependencies.to_json(),
            "installs": [_install_to_json(install) for install in manifest.installs],
        },
        separators=(",", ":"),
    )


def parse_manifest(text: str) -> Manifest:
    """Read the document. Raises `ValueError` where it is damaged, forged or of another schema."""
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise ValueError(f"schema {value.get('schema') if isinstance(value, dict) else None!r} instead of {SCHEMA}")
    read = document.fields(value, required=_MANIFEST_FIELDS)
    return Manifest(
        scope=document.text(read["scope"]),
        branch=document.text(read["branch"]),
        key=document.text(read["key"]),
        salt=document.text(read["salt"]),
        keys=document.items(read["keys"], _parse_key),
        dependencies=DependencySet.from_json(read["dependencies"]),
        installs=document.items(read["installs"], _parse_install),
    )


def _install_to_json(install: InstallRecord) -> dict[str, object]:
    return {
        "instruction": install.instruction,
        "stage": install.stage,
        "platform": install.platform,
        "seconds": install.seconds,
        "packages": install.packages,
        "path": [_entry_to_json(entry) for entry in install.path],
    }


def _entry_to_json(entry: PathEntry) -> dict[str, object]:
    return {
        "line": entry.line,
        "stage": entry.stage,
        "instruction": entry.instruction,
        "image": entry.image,
        "image_digest": entry.image_digest,
        "environment": [list(pair) for pair in entry.environment],
        "files": [[file.path, file.digest, file.mode] for file in entry.files],
        "files_digest": entry.files_digest,
    }


def _parse_key(value: object) -> SavedKey:
    read = document.fields(value, required=frozenset({"key", "saved_at"}))
    return SavedKey(key=document.text(read["key"]), saved_at=_number(read["saved_at"]))


def _parse_install(value: object) -> InstallRecord:
    read = document.fields(value, required=_INSTALL_FIELDS)
    return InstallRecord(
        instruction=_long_text(read["instruction"]),
        stage=document.text(read["stage"]),
        platform=document.text(read["platform"]),
        seconds=_number(read["seconds"]),
        packages=document.line_number(read["packages"]),
        path=document.items(read["path"], _parse_entry),
    )


def _parse_entry(value: object) -> PathEntry:
    read = document.fields(value, required=_ENTRY_FIELDS)
    return PathEntry(
        line=document.line_number(read["line"]),
        stage=document.text(read["stage"]),
        instruction=_long_text(read["instruction"]),
        image=document.text(read["image"]),
        image_digest=document.text(read["image_digest"]),
        environment=document.items(read["environment"], _parse_pair),
        files=document.items(read["files"], _parse_file),
        files_digest=document.text(read["files_digest"]),
    )


def _parse_pair(value: object) -> tuple[str, str]:
    name, hashed = _exactly(document.texts(value), 2)
    return name, hashed


def _parse_file(value: object) -> CopiedFile:
    path, digest, mode = _exactly(document.items(value, _long_text), 3)
    return CopiedFile(path=path, digest=digest, mode=mode)


def _exactly(texts: tuple[str, ...], count: int) -> tuple[str, ...]:
    if len(texts) != count:
        raise ValueError(f"expected {count} texts, found {len(texts)}")
    return texts


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise ValueError("expected a number of seconds")
    return float(value)


def _long_text(value: object) -> str:
    """A text that may hold whatever a Dockerfile or a file name may hold."""
    if not isinstance(value, str) or len(value) > document.MAX_TEXT:
        raise ValueError("expected a text of reasonable length")
    return value


_MANIFEST_FIELDS = frozenset({"schema", "scope", "branch", "key", "salt", "keys", "dependencies", "installs"})
_INSTALL_FIELDS = frozenset({"instruction", "stage", "platform", "seconds", "packages", "path"})
_ENTRY_FIELDS = frozenset(
    {"line", "stage", "instruction", "image", "image_digest", "environment", "files", "files_digest"}
)
