"""What a project tells uv in `[tool.uv]`: sources, indexes, settings of the resolution.

https://docs.astral.sh/uv/concepts/projects/dependencies/ and https://docs.astral.sh/uv/reference/settings/
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from pycache_action.dependencies.conditions import canonical_marker
from pycache_action.dependencies.formats import UNORDERED, Option
from pycache_action.dependencies.locations import canonical_path, canonical_url, git_url, without_credentials
from pycache_action.dependencies.malformed import MalformedError
from pycache_action.dependencies.poetry_project import read_index
from pycache_action.dependencies.structure import array, at, string, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pycache_action.dependencies.model import Requirement
    from pycache_action.dependencies.toml_text import Toml

# What is read elsewhere, or says nothing about which packages are installed.
_ELSEWHERE = {"sources", "index", "index-url", "extra-index-url", "default-groups", "dev-dependencies", "workspace"}
_WITHOUT_EFFECT = {"managed", "package", "cache-dir", "cache-keys", "preview", "concurrent-downloads", "link-mode"}
_WITHOUT_EFFECT |= {"concurrent-builds", "concurrent-installs", "required-version", "publish-url", "check-url"}
_WITHOUT_EFFECT |= {"python-preference", "python-downloads", "trusted-publishing", "offline", "build-backend", "pip"}


def uv_options(toml: Toml) -> Iterator[Option]:
    """Yield the indexes in their order, and every other setting as it is."""
    uv = at(toml.data, "tool", "uv")
    for name in ("index-url", "extra-index-url"):
        value = uv.get(name)
        for url in value if isinstance(value, list) else [value] if value else []:
            yield Option("index", f"--{name} {read_index(string(url, name))}")
    for index in _indexes(toml):
        if index.get("explicit") is not True:
            kind = "--index-url" if index.get("default") is True else "--extra-index-url"
            yield Option("index", f"{kind} {read_index(string(index.get('url'), 'index.url'))}")
    for name in sorted(uv.keys() - _ELSEWHERE - _WITHOUT_EFFECT):
        yield Option(UNORDERED, f"tool.uv.{name} {_canonical_json(uv[name])}")


def apply_sources(toml: Toml, requirement: Requirement, *, group: str = "", extra: str = "") -> Iterator[Requirement]:
    """Yield the requirement as `tool.uv.sources` redirects it: once, or once per marker."""
    entries = [
        table(entry, "tool.uv.sources")
        for name, value in at(toml.data, "tool", "uv", "sources").items()
        if canonicalize_name(name) == requirement.name
        for entry in (value if isinstance(value, list) else [value])
    ]
    meant = [
        one
        for one in entries
        if canonicalize_name(string(one.get("group"), "group")) in ("", group)
        and canonicalize_name(string(one.get("extra"), "extra")) in ("", extra)
    ]
    if not meant or any("marker" in one for one in meant):
        yield requirement
    for one in meant:
        markers = [marker for marker in (requirement.marker, string(one.get("marker"), "marker")) if marker]
        yield replace(
            requirement,
            marker=canonical_marker(" and ".join(f"({marker})" for marker in markers)),
            url=_url(one) or requirement.url,
            index=_index(toml, string(one.get("index"), "index")),
            editable=one.get("editable") is True,
            options=("workspace",) if one.get("workspace") is True else (),
        )


def _indexes(toml: Toml) -> list[dict[str, object]]:
    return [table(one, "tool.uv.index") for one in array(at(toml.data, "tool", "uv").get("index"), "tool.uv.index")]


def _index(toml: Toml, name: str) -> str:
    urls = [read_index(string(one.get("url"), "index.url")) for one in _indexes(toml) if one.get("name") == name]
    return urls[0] if name and urls else name


def _url(source: dict[str, object]) -> str:
    git, url = string(source.get("git"), "git"), string(source.get("url"), "url")
    try:
        if git:
            reference = next((string(source[one], one) for one in ("rev", "tag", "branch") if one in source), "")
            return git_url(git, reference, string(source.get("subdirectory"), "subdirectory"))
        if url:
            return canonical_url(url)
    except ValueError as error:
        raise MalformedError(f"a URL in tool.uv.sources ({error})", git or url) from error
    path = string(source.get("path"), "path")
    return canonical_path(path) if path else ""


def _canonical_json(value: object) -> str:
    """Return a setting in one spelling, or the hash of a long one."""
    try:
        written = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    except (ValueError, RecursionError) as error:
        raise MalformedError("a setting of tool.uv") from error
    written = without_credentials(written)
    return written if len(written) < 1000 else hashlib.sha256(written.encode()).hexdigest()
