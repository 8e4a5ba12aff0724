"""Names of caches: which image (scope), which dependencies (key), which branch may read what."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass

SLUG_CHARACTERS = 40
KEY_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Branches:
    """Whose caches a run reads, best first, and under whose name it saves.

    GitHub keeps branches apart by itself; in a registry, a bucket or a directory only the names do: a pull request never
    writes a name that the default branch reads.
    """

    own: str
    readable: tuple[str, ...]


def compute_scope(*, image: str, dockerfile: str, target: str, platforms: tuple[str, ...]) -> str:
    """Name the image that is built: readable, unlike any other image's, and fit for a registry's tag.

    `image` is the name it is tagged with or, without one, the repository or folder it is built from.
    """
    parts = [_name_of(image)]
    parts += [dockerfile] if dockerfile not in ("", "Dockerfile") else []
    parts += [target] if target else []
    parts += [platform.removeprefix("linux/") for platform in sorted(platforms)]
    identity = json.dumps([_name_of(image), dockerfile, target, sorted(platforms)])
    return f"{slugify('-'.join(parts))}-{_digest(identity)[:6]}"


def compute_key(scope: str, meaning: str) -> str:
    """Name a set of dependencies within a scope; `meaning` is `DependencySet.meaning()`."""
    return f"{scope}-{_digest(meaning)[:KEY_DIGITS]}"


def is_key(text: str, scope: str) -> bool:
    """Whether this is a key of the scope, as `compute_key` makes them."""
    return re.fullmatch(rf"{re.escape(scope)}-[0-9a-f]{{{KEY_DIGITS}}}", text) is not None


def layers_name(key: str, branch: str) -> str:
    """The name of the cache that holds the layers built for `key` on `branch`."""
    return f"{key}.{name_safely(branch)}"


def manifest_name(scope: str, branch: str) -> str:
    """The name of the cache that holds the manifest of `scope` on `branch`."""
    return f"{scope}.{name_safely(branch)}.manifest"


def slugify(text: str) -> str:
    """Lower case, digits, dot, dash and underscore only, at most 40 characters."""
    return re.sub(r"[^a-z0-9._]+", "-", text.lower()).strip("-._")[:SLUG_CHARACTERS].strip("-._") or "image"


def name_safely(text: str) -> str:
    """A name people chose, fit for a registry's tag. Two names never become one: what the slug lost, a digest tells."""
    slug = slugify(text)
    return slug if slug == text else f"{slug}-{_digest(text)[:6]}"


def _name_of(image: str) -> str:
    """Drop tag and digest, which change from build to build."""
    name = image.split("@", 1)[0]
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{last.split(':', 1)[0]}".lower()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
