"""What was written is read again; what anybody else wrote is refused as a whole, and never raises anything else."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.recordings.written import path_of

from pycache_action.cache.manifest import (
    KEPT_KEYS,
    SCHEMA,
    CopiedFile,
    InstallRecord,
    Manifest,
    PathEntry,
    SavedKey,
    hash_value,
    parse_manifest,
    render_manifest,
)
from pycache_action.dependencies.model import DependencySet

PATH = path_of(
    """
    1 FROM python:3.11-slim  @ docker.io/library/python:3.11-slim sha256:aa
    2 COPY requirements.txt .  < requirements.txt:0644:11
    3 RUN pip install -r requirements.txt  $ TOKEN=99
    """
)
INSTALL = InstallRecord(
    instruction="RUN pip install -r requirements.txt",
    stage="stage-0",
    platform="linux/amd64",
    seconds=38.25,
    packages=26,
    path=PATH,
)
MANIFEST = Manifest(
    scope="shop-1f0c2e",
    branch="feature/x",
    key="shop-1f0c2e-63d1c0ffee5b2a90",
    salt="5417",
    keys=(SavedKey(key="old", saved_at=1.5), SavedKey(key="shop-1f0c2e-63d1c0ffee5b2a90", saved_at=3.0)),
    dependencies=DependencySet(files=()),
    installs=(INSTALL,),
)


def document() -> dict[str, Any]:
    value = json.loads(render_manifest(MANIFEST))
    assert isinstance(value, dict)
    return value


def test_manifest__is_read_as_it_was_written() -> None:
    assert parse_manifest(render_manifest(MANIFEST)) == MANIFEST


def test_manifest__what_belongs_to_this_build_alone_is_not_saved() -> None:
    of_this_build = replace(MANIFEST, installs=(replace(INSTALL, line=7, vertex="sha256:aa"),))
    assert parse_manifest(render_manifest(of_this_build)) == MANIFEST


def test_manifest__any_instruction_and_file_name() -> None:
    """A here-document has lines, and a file may have a name that is no text at all."""
    entry = PathEntry(
        line=1,
        stage="stage-0",
        instruction="RUN <<EOF\n\techo 'ä'\nEOF",
        files=(CopiedFile(path="a\udcff\nb", digest="11", mode="0644"),),
    )
    manifest = replace(MANIFEST, installs=(replace(INSTALL, path=(entry,)),))
    assert parse_manifest(render_manifest(manifest)) == manifest


def test_manifest__keeps_the_last_keys_only() -> None:
    keys = tuple(SavedKey(key=str(number), saved_at=number) for number in range(100))
    assert parse_manifest(render_manifest(replace(MANIFEST, keys=keys))).keys == keys[-KEPT_KEYS:]


def test_manifest__holds_and_saved_at() -> None:
    assert MANIFEST.holds("old")
    assert not MANIFEST.holds("new")
    assert MANIFEST.saved_at == 3.0
    assert replace(MANIFEST, keys=()).saved_at == 0.0


def test_hash_value__is_salted() -> None:
    assert hash_value("a", "hunter2") != hash_value("b", "hunter2")
    assert "hunter2" not in hash_value("a", "hunter2")


def test_parse__future_schema() -> None:
    with pytest.raises(ValueError, match=f"schema 99 instead of {SCHEMA}"):
        parse_manifest(json.dumps({**document(), "schema": 99}))


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "7", '"x"', "{", "{}", '{"schema":1}', "[" * 100_000, "\x00", "NaN"]
)
def test_parse__no_manifest_at_all(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_manifest(text)


@pytest.mark.parametrize("name", sorted(document()))
@pytest.mark.parametrize("value", [None, False, -1, 1e300, "x\x1b[2J", ["x"], {"x": 1}, [[["x"]]]])
def test_parse__a_field_of_another_kind(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_manifest(json.dumps({**document(), name: value}))


@pytest.mark.parametrize("name", sorted(document()))
def test_parse__a_field_is_missing(name: str) -> None:
    value = document()
    del value[name]
    with pytest.raises(ValueError, match=r"."):
        parse_manifest(json.dumps(value))


def test_parse__a_field_too_many() -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_manifest(json.dumps({**document(), "run": "rm"}))


@pytest.mark.parametrize("saved_at", [float("nan"), float("inf"), -1, 1e12, True, "0", None])
def test_parse__times_that_are_none(saved_at: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_manifest(json.dumps({**document(), "keys": [{"key": "x", "saved_at": saved_at}]}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.sampled_from(["keys", "dependencies", "installs"]), JSON)
def test_parse__anything_in_a_field(name: str, value: object) -> None:
    with contextlib.suppress(ValueError):
        parse_manifest(json.dumps({**document(), name: value}))


@given(st.text())
def test_parse__any_text(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_manifest(text)


def test_manifest__a_thousand_files_and_a_hundred_installs_in_a_moment() -> None:
    files = tuple(CopiedFile(path=f"src/{n}.py", digest="1" * 16, mode="0644") for n in range(1000))
    entry = replace(PATH[1], files=files)
    manifest = replace(MANIFEST, installs=tuple(replace(INSTALL, path=(*PATH, entry)) for _ in range(20)))
    began = time.perf_counter()
    assert parse_manifest(render_manifest(manifest)) == manifest
    assert time.perf_counter() - began < 2
