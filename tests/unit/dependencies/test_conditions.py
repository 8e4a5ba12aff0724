"""Conditions mean what the markers mean that they were made of."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.markers import Marker

from pycache_action.dependencies.conditions import (
    ALWAYS,
    NEVER,
    TooComplexError,
    both,
    canonical_marker,
    decided,
    either,
    parse_condition,
    render_condition,
    split_atom,
)
from pycache_action.dependencies.malformed import MalformedError

ENVIRONMENTS = [
    {
        "python_version": ".".join(full.split(".")[:2]),
        "python_full_version": full,
        "sys_platform": system,
        "os_name": name,
    }
    for full, (system, name) in product(
        ("3.8.0", "3.9.0", "3.9.7", "3.10.0", "3.10.12", "3.11.1", "3.12.0", "4.0.0"),
        (("linux", "posix"), ("win32", "nt"), ("darwin", "posix")),
    )
]

ATOMS = [
    *(
        f"python_version {operator} '{version}'"
        for operator in ("<", "<=", ">", ">=", "==", "!=")
        for version in ("3.9", "3.10")
    ),
    *(
        f"python_full_version {operator} '{version}'"
        for operator in ("<", ">=")
        for version in ("3.9", "3.10.5", "3.11")
    ),
    "python_full_version == '3.10.*'",
    "python_full_version != '3.9.*'",
    "'3.9' <= python_version",
    "python_version in '3.8 3.9'",
    "python_version ~= '3.9'",
    *(f"sys_platform {operator} '{system}'" for operator in ("==", "!=") for system in ("linux", "win32")),
    "os_name == 'nt'",
    "sys_platform not in 'linux win32'",
]


def markers() -> st.SearchStrategy[str]:
    return st.recursive(
        st.sampled_from(ATOMS),
        lambda inner: st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda one: f"({one[0]} {one[1]} {one[2]})"
        ),
        max_leaves=6,
    )


def holds(marker: str, environment: dict[str, str]) -> bool:
    return not marker or Marker(marker).evaluate(environment)


@settings(deadline=None)
@given(markers())
def test_canonical_marker__holds_where_the_marker_does(marker: str) -> None:
    canonical = canonical_marker(marker)
    for environment in ENVIRONMENTS:
        assert holds(canonical, environment) == holds(marker, environment), (canonical, environment)
    assert canonical_marker(canonical) == canonical


@settings(deadline=None)
@given(markers(), markers())
def test_both_and_either__hold_where_they_should(one: str, other: str) -> None:
    try:
        joined = render_condition(both(parse_condition(one), parse_condition(other)))
        united = render_condition(either(parse_condition(one), parse_condition(other)))
    except TooComplexError:
        return
    for environment in ENVIRONMENTS:
        first, second = holds(one, environment), holds(other, environment)
        assert holds(joined, environment) == (first and second)
        assert holds(united, environment) == (first or second)


@pytest.mark.parametrize(
    ("marker", "canonical"),
    [
        ("os_name=='x' and extra=='y'", 'extra == "y" and os_name == "x"'),
        ("extra=='A_b'", 'extra == "a-b"'),
        ("'3.9' > python_version", 'python_version < "3.9"'),
        ("os_name == 'x' or os_name != 'x'", ""),
        ("python_version < '3.9' or python_version >= '3.9'", ""),
        ("python_full_version < '3.10' or python_full_version < '3.11'", 'python_full_version < "3.11"'),
        ("python_full_version < '3.10' and python_full_version < '3.11'", 'python_full_version < "3.10"'),
        ("sys_platform == 'linux' and sys_platform != 'win32'", 'sys_platform == "linux"'),
        ("sys_platform == 'linux' and sys_platform == 'win32'", 'python_version < "0"'),
        ("python_version < '3.9' and python_full_version >= '3.10'", 'python_version < "0"'),
        (
            "python_full_version < '3.10' or python_full_version == '3.10.*' or python_full_version >= '3.11'",
            "",
        ),
        (
            "os_name == 'a' and (extra == 'x' or extra == 'y')",
            'extra == "x" and os_name == "a" or extra == "y" and os_name == "a"',
        ),
        ('"dev" in dependency_groups', '"dev" in dependency_groups'),
        ("", ""),
    ],
)
def test_canonical_marker(marker: str, canonical: str) -> None:
    assert canonical_marker(marker) == canonical


def test_canonical_marker__too_complex_stays_as_it_is() -> None:
    marker = " and ".join(f'(os_name != "{n}" or extra != "{n}")' for n in range(12))
    assert canonical_marker(marker) == marker


@pytest.mark.parametrize("marker", ["os_name", "os_name == ", "(os_name == 'x'", "nonsense == 'x'", "(" * 5000])
def test_parse_condition__malformed(marker: str) -> None:
    with pytest.raises(MalformedError):
        parse_condition(marker)


def test_decided__known_atoms_go() -> None:
    condition = parse_condition("extra == 'x' and os_name == 'nt' or extra == 'y'")

    def decide(atom: str) -> bool | None:
        left, _, right = split_atom(atom)
        return right == '"x"' if left == "extra" else None

    assert render_condition(decided(condition, decide)) == 'os_name == "nt"'
    assert decided(parse_condition("extra == 'y'"), decide) == NEVER
    assert decided(parse_condition("extra == 'x'"), decide) == ALWAYS
