"""Every row of the first table was built with BuildKit 0.25 as an ENV, and the image had the same value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pycache_action.dockerfile.expand import UNKNOWN, ExpansionError, Unknown, expand
from pycache_action.dockerfile.parse import parse_dockerfile
from pycache_action.dockerfile.variables import Variables, compute_outer_variables, proxies

if TYPE_CHECKING:
    from pycache_action.dockerfile.instructions import Instruction

VALUES: dict[str, str | Unknown | None] = {
    "A": "a",
    "EMPTY": "",
    "UNSET": None,
    "FAR": UNKNOWN,
    "PATHS": "/usr/lib/python.tar.gz",
    "ÉTÉ": "summer",
}


def lookup(name: str) -> str | Unknown | None:
    return VALUES.get(name)


@pytest.mark.parametrize(
    ("word", "expanded"),
    [
        ("$A", "a"),
        ("${A}b$A", "aba"),
        ("$AB-$A", "-a"),
        ("$ÉTÉ", "summer"),
        (r"\$A \a", "$A a"),
        ("'$A' \"$A\" \"'$A'\"", "$A a 'a'"),
        (r'"\$A \" \x"', r"$A \" \x".replace('\\"', '"')),
        ("$", "$"),
        ("a$ b", "a$ b"),
        ("$1$22", ""),
        ("${A:-x}${EMPTY:-x}${UNSET:-x}", "axx"),
        ("${A-x}${EMPTY-x}${UNSET-x}", "ax"),
        ("${A:+x}${EMPTY:+x}${UNSET:+x}", "x"),
        ("${A+x}${EMPTY+x}${UNSET+x}", "xx"),
        ("${UNSET:-${A}${EMPTY:-'}'}}", "a}"),
        ("${A:?no}${EMPTY?no}", "a"),
        ("${PATHS#*/}", "usr/lib/python.tar.gz"),
        ("${PATHS##*/}", "python.tar.gz"),
        ("${PATHS%.*}", "/usr/lib/python.tar"),
        ("${PATHS%%.*}", "/usr/lib/python"),
        ("${PATHS%.zip}", "/usr/lib/python.tar.gz"),
        ("${PATHS#/usr/???}", "/python.tar.gz"),
        (r"${PATHS#\*}", "/usr/lib/python.tar.gz"),
        ("${PATHS/lib/LIB}", "/usr/LIB/python.tar.gz"),
        ("${PATHS//\\//_}", "_usr_lib_python.tar.gz"),
        ("<<EOF", "<<EOF"),
        ("", ""),
    ],
)
def test_expand__as_buildkit_does(word: str, expanded: str) -> None:
    assert expand(word, lookup).text == expanded


def test_expand__backquote_as_escape() -> None:
    assert expand(r"C:\x\$A`$A", lookup, escape="`").text == r"C:\x\a$A"


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("$FAR/x", "${FAR}/x"),
        ("'$FAR'\"$FAR\"", "$FAR${FAR}"),
        ("${FAR:-default}", "default"),
        ("${FAR:+x}", ""),
        ("${FAR:?x}", "${FAR}"),
        ("${FAR%.x}", "${FAR%.x}"),
        ("${FAR/a/b}", "${FAR/a/b}"),
    ],
)
def test_expand__what_only_the_base_image_knows_stays(word: str, text: str) -> None:
    found = expand(word, lookup)
    assert found.text == text
    assert found.unknown == (frozenset({"FAR"}) if "FAR}" in text or "${FAR" in text else frozenset())


@pytest.mark.parametrize(
    "word",
    [
        "'x",
        '"x',
        '"x\\',
        "${",
        "${}",
        "${:x}",
        "${A",
        "${A:",
        "${A:-x",
        "${A:#x}",
        "${A!x}",
        "${A/x}",
        "${A/x/y",
        r"${A#\x}",
        "${A#*****}",
        "${UNSET:?no}",
        "${EMPTY:?no}",
        "${A:-" * 1000,
    ],
)
def test_expand__errors(word: str) -> None:
    with pytest.raises(ExpansionError):
        expand(word, lookup)


def variables(*, others: Unknown | None = None) -> Variables:
    return Variables({}, others=others, escape="\\")


def instruction(text: str) -> Instruction:
    return parse_dockerfile(f"FROM a\n{text}").stages[0].instructions[0]


def test_apply_env__values_are_those_before_the_instruction() -> None:
    found = variables()
    found.apply_env(instruction("ENV A=hello"))
    found.apply_env(instruction('ENV A=bye B=$A C="x y" $A=d'))
    assert [found.lookup(name) for name in ("A", "B", "C", "hello")] == ["bye", "hello", "x y", "d"]


def test_apply_env__keeps_what_the_base_image_has() -> None:
    found = variables(others=UNKNOWN)
    found.apply_env(instruction("ENV PATH=/venv/bin:$PATH"))
    assert found.lookup("PATH") == "/venv/bin:${PATH}"


@pytest.mark.parametrize(
    ("text", "given", "outer", "value"),
    [
        ("ARG X", {}, {}, None),
        ("ARG X=1", {}, {"X": "2"}, "1"),
        ("ARG X", {}, {"X": "2"}, "2"),
        ("ARG X=1", {"X": "3"}, {"X": "2"}, "3"),
        ('ARG X="a b"', {}, {}, "a b"),
        ("ARG Y=1 X=$Y", {}, {}, "1"),
        ("ARG Y", {"X": "3"}, {"X": "2"}, UNKNOWN),
    ],
)
def test_apply_arg__argument_then_default_then_outer(
    text: str, given: dict[str, str], outer: dict[str, str], value: str | Unknown | None
) -> None:
    found = variables(others=UNKNOWN)
    found.apply_arg(instruction(text), given, outer)
    assert found.lookup("X") == value


def test_apply_arg__the_later_of_arg_and_env_wins() -> None:
    found = variables()
    found.apply_env(instruction("ENV X=env"))
    found.apply_arg(instruction("ARG X"), {}, {})
    assert found.lookup("X") == "env"
    found.apply_arg(instruction("ARG X=arg"), {}, {})
    assert found.lookup("X") == "arg"
    found.apply_env(instruction("ENV X=again"))
    assert found.lookup("X") == "again"


def test_compute_outer_variables__platform_and_arguments() -> None:
    parsed = parse_dockerfile("ARG A=1\nARG B=$A-$TARGETARCH\nARG C\nFROM x AS last")
    found = parsed.outer_variables({"A": "2", "UNDECLARED": "x"}, platform="linux/arm/v7")
    assert (found["A"], found["B"], found.get("C"), found.get("UNDECLARED")) == ("2", "2-arm", None, None)
    assert (found["TARGETPLATFORM"], found["TARGETOS"], found["TARGETVARIANT"]) == ("linux/arm/v7", "linux", "v7")
    assert found["TARGETSTAGE"] == "last"
    assert found["BUILDARCH"] is UNKNOWN


def test_compute_outer_variables__no_platform_is_unknown() -> None:
    found = compute_outer_variables([], {"BUILDARCH": "amd64"}, escape="\\")
    assert found["TARGETARCH"] is UNKNOWN
    assert found["BUILDARCH"] == "amd64"


def test_proxies__need_no_declaration() -> None:
    assert proxies({"http_proxy": "a", "NO_PROXY": "b", "X": "c"}) == {"http_proxy": "a", "NO_PROXY": "b"}
