"""The defaults file is read, and what is wrong with it is told with its line."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycache_action.defaults import MAX_BYTES, parse_defaults, read_defaults
from pycache_action.errors import InputError
from pycache_action.inputs import OPTIONS, Inputs

if TYPE_CHECKING:
    from pathlib import Path


def message(text: str | bytes) -> str:
    with pytest.raises(InputError) as caught:
        parse_defaults(text if isinstance(text, bytes) else text.encode(), "pycache.yml")
    assert caught.value.hint
    return caught.value.message


def test_read_defaults__no_file(tmp_path: Path) -> None:
    assert read_defaults(tmp_path / "pycache.yml") == {}


def test_read_defaults__every_kind(tmp_path: Path) -> None:
    path = tmp_path / "pycache.yml"
    path.write_text(
        """\
# for all our images
cache-ref: ghcr.io/org/cache
pull: true
platforms: [linux/amd64, linux/arm64]
build-args: |
  PYTHON=3.10
  GREETING=hello, world
no-cache-filters:
  - test
shm-size: 010
scope:
comment: ~
"""
    )

    inputs = Inputs.from_environ({}, read_defaults(path))

    assert inputs == Inputs(
        cache_ref="ghcr.io/org/cache",
        pull=True,
        platforms=("linux/amd64", "linux/arm64"),
        build_args=("PYTHON=3.10", "GREETING=hello, world"),
        no_cache_filters=("test",),
        shm_size="010",
    )


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "~", "{}"])
def test_parse_defaults__nothing_in_it(text: str) -> None:
    assert parse_defaults(text.encode()) == {}


def test_parse_defaults__byte_order_mark() -> None:
    assert parse_defaults(b"\xef\xbb\xbfscope: x") == {"scope": "x"}


def test_parse_defaults__unknown_name() -> None:
    with pytest.raises(InputError) as caught:
        parse_defaults(b"scope: x\n\ndependency-file: a.txt\n", "pycache.yml")

    assert caught.value.message == "pycache.yml:3: 'dependency-file' is not an input"
    assert caught.value.hint == "Did you mean 'dependency-files'? README lists the inputs."


def test_parse_defaults__wrong_value() -> None:
    assert message("scope: x\ncomment: sometimes") == "pycache.yml:2: comment: 'sometimes' is not known"


def test_parse_defaults__booleans_are_yaml_1_2() -> None:
    assert message("pull: yes") == "pycache.yml:1: pull: 'yes' is neither true nor false"


@pytest.mark.parametrize(
    "name",
    [
        *["secrets", "secret-envs", "secret-files", "ssh", "github-token", "registry", "username", "password"],
        *["allow", "push", "load", "outputs", "tags", "cache-to", "context", "build-contexts", "report"],
    ],
)
def test_parse_defaults__what_a_stranger_must_not_set(name: str) -> None:
    assert message(f"{name}: x") == f"pycache.yml:1: {name} cannot be set here"


def test_parse_defaults__the_others_may_be_set() -> None:
    names = [declared.name for declared in OPTIONS if declared.in_file and not declared.choices]

    assert len(parse_defaults("".join(f"{name}: 'true'\n" for name in names).encode())) == len(names)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- a\n- b", "pycache.yml:1: not a mapping"),
        ("scope: x\nscope: y", "pycache.yml:2: scope is set twice"),
        ("scope: {a: b}", "pycache.yml:1: scope is neither text nor a list of texts"),
        ("tags", "pycache.yml:1: not a mapping"),
        ("platforms: [[a], b]", "pycache.yml:1: platforms is neither text nor a list of texts"),
        ("[a, b]: c", "pycache.yml:1: a list or mapping is not an input"),
        ("scope: [a, b]", "pycache.yml:1: scope: a list is given where one value is wanted"),
        ("a: &x 1\nscope: *x", "pycache.yml:2: a YAML alias (*name)"),
        (b"scope: \xff", "pycache.yml: not UTF-8"),
        ("scope: 'x", "pycache.yml:1: not YAML: found unexpected end of stream"),
        ("scope: x\n\tpull: y", "pycache.yml:2: not YAML: found character '\\t' that cannot start any token"),
        ("scope: \x07", "pycache.yml: not YAML that can be read"),
        ('labels: ["a\\0b"]', "pycache.yml:1: labels: the value holds a NUL byte"),
        ("scope: a\n---\nscope: b", "pycache.yml:2: not YAML: but found another document"),
    ],
)
def test_parse_defaults__refuses(text: str | bytes, expected: str) -> None:
    assert message(text) == expected


def test_parse_defaults__deep_nesting_is_refused_at_once() -> None:
    assert message("scope: " + "[" * 60_000) == "pycache.yml:1: nested too deeply"


def test_read_defaults__too_large(tmp_path: Path) -> None:
    path = tmp_path / "pycache.yml"
    path.write_text("scope: x\n" + "#" * MAX_BYTES)

    with pytest.raises(InputError, match="larger than 64 kB"):
        read_defaults(path)


def test_read_defaults__a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_defaults(tmp_path)


def test_parse_defaults__python_objects_are_not_made() -> None:
    assert "a list is given" in message("scope: !!python/object/apply:os.system ['echo']")


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_parse_defaults__any_text_is_read_or_refused(text: str | bytes) -> None:
    with contextlib.suppress(InputError):
        parse_defaults(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
