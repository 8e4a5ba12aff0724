"""Where a cache is kept: read from an input, found in a job's environment, written for buildx."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycache_action.buildx.attributes import parse_attributes
from pycache_action.cache.backend import (
    Auto,
    Bucket,
    Gha,
    Local,
    Off,
    Registry,
    Unavailable,
    choose_backend,
    describe,
    parse_cache,
    render_export,
    render_import,
)
from pycache_action.errors import InputError

if TYPE_CHECKING:
    from pycache_action.cache.backend import Backend

KEYS = ("secret_access_key", "hunter2")
BACKENDS: tuple[Backend, ...] = (
    Gha(),
    Gha(1),
    Registry("registry.test/cache"),
    Local(Path("/cache")),
    Bucket("s3", (("bucket", "b"), KEYS)),
    Bucket("azblob", (("account_url", "https://x"),)),
)
V2 = {"ACTIONS_RUNTIME_TOKEN": "t", "ACTIONS_RESULTS_URL": "https://results.test/"}
V1 = {"ACTIONS_RUNTIME_TOKEN": "t", "ACTIONS_CACHE_URL": "https://cache.test/"}


@pytest.mark.parametrize(
    ("text", "backend"),
    [
        ("auto", Auto()),
        ("", Auto()),
        ("off", Off()),
        ("gha", Gha()),
        ("type=gha,version=1", Gha(1)),
        ("registry,ref=ghcr.io/org/cache", Registry("ghcr.io/org/cache")),
        ("type=registry,ref=localhost:5000/cache", Registry("localhost:5000/cache")),
        ("registry,ref=a/b,compression=zstd", Registry("a/b", (("compression", "zstd"),))),
        ("local,path=/a/b", Local(Path("/a/b"))),
        ("local,dest=/a/b", Local(Path("/a/b"))),
        ("s3,bucket=b,region=r", Bucket("s3", (("bucket", "b"), ("region", "r")))),
    ],
)
def test_parse_cache(text: str, backend: object) -> None:
    assert parse_cache(text) == backend


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("registry", "names no reference", "ref="),
        ("local", "names no directory", "path="),
        ("regsitry,ref=x", "unknown backend 'regsitry'", "Did you mean 'registry'?"),
        ("ftp", "unknown backend 'ftp'", "The forms are"),
        ("registry,ref=ghcr.io/org/cache:tag", "is not a repository", "repository alone"),
        ("registry,ref=ghcr.io/Org/cache", "is not a repository", "repository alone"),
        ("registry,ref=a@sha256:11", "is not a repository", "repository alone"),
        ("registry,nonsense", "cannot be read", "The forms are"),
    ],
)
def test_parse_cache__says_what_is_wrong(text: str, message: str, hint: str) -> None:
    with pytest.raises(InputError) as raised:
        parse_cache(text)
    assert message in raised.value.message
    assert hint in raised.value.hint


@pytest.mark.parametrize("text", ["/", "//", "A", "a:1"])
def test_parse_cache__a_reference_that_is_none(text: str) -> None:
    with pytest.raises(InputError):
        parse_cache(f"registry,ref={text}")


@given(st.text(max_size=40))
def test_parse_cache__any_text(text: str) -> None:
    with contextlib.suppress(InputError):
        parse_cache(text)


@pytest.mark.parametrize(
    ("text", "environ", "cache_ref", "backend"),
    [
        ("auto", V2, "ghcr.io/a/b", Gha(2, url=V2["ACTIONS_RESULTS_URL"])),
        ("auto", V1, "", Gha(1, url=V1["ACTIONS_CACHE_URL"])),
        ("auto", {**V1, **V2}, "", Gha(2, url=V2["ACTIONS_RESULTS_URL"])),
        ("auto", {"ACTIONS_RESULTS_URL": "x"}, "ghcr.io/a/b", Registry("ghcr.io/a/b")),
        ("auto", {}, "", Local(Path("/folder"))),
        ("off", V2, "ghcr.io/a/b", Off()),
        ("registry,ref=a/b", V2, "", Registry("a/b")),
    ],
)
def test_choose_backend(text: str, environ: dict[str, str], cache_ref: str, backend: object) -> None:
    assert choose_backend(parse_cache(text), environ=environ, cache_ref=cache_ref, folder=Path("/folder")) == backend


def test_choose_backend__no_service_is_a_value() -> None:
    assert isinstance(choose_backend(Gha(), environ={}, cache_ref="", folder=Path()), Unavailable)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["shop-1.main", "a,b", 'a"b', "type=gha"])
def test_render__the_name_reaches_buildx_whole(backend: Backend, name: str) -> None:
    for text in (render_import(backend, name), render_export(backend, name, "max")):
        attributes = parse_attributes(text)
        assert attributes["type"] in ("gha", "registry", "local", "s3", "azblob")
        assert any(name in value for value in attributes.values())


@pytest.mark.parametrize("backend", BACKENDS)
def test_render_export__a_failed_export_fails_nothing(backend: Backend) -> None:
    attributes = parse_attributes(render_export(backend, "x", "min"))
    assert attributes["ignore-error"] == "true"
    assert attributes["mode"] == "min"


@pytest.mark.parametrize("backend", BACKENDS)
def test_describe__holds_no_secret(backend: Backend) -> None:
    assert "hunter2" not in describe(backend)
