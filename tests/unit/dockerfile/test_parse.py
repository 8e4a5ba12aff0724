from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pycache_action.dockerfile.parse import find_dockerfile, parse_dockerfile
from pycache_action.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from pycache_action.dockerfile.instructions import Instruction


def only(text: str) -> Instruction:
    """The one instruction after FROM."""
    (stage,) = parse_dockerfile(f"FROM python\n{text}").stages
    (instruction,) = stage.instructions
    return instruction


def test_parse_dockerfile__stages_and_what_stands_before_them() -> None:
    parsed = parse_dockerfile(
        "ARG PYTHON=3.13\nFROM --platform=$BUILDPLATFORM python:${PYTHON} AS Build\nRUN x\nFROM build\nFROM alpine\n"
    )
    assert [instruction.one_line for instruction in parsed.meta_args] == ["ARG PYTHON=3.13"]
    assert [(one.index, one.name, one.base, one.base_name, one.base_stage) for one in parsed.stages] == [
        (0, "build", "python:${PYTHON}", "python:3.13", None),
        (1, "", "build", "build", 0),
        (2, "", "alpine", "alpine", None),
    ]
    assert parsed.stages[0].platform == "$BUILDPLATFORM"
    assert [stage.label for stage in parsed.stages] == ["build", "stage-1", "stage-2"]
    assert [(stage.line, stage.end_line) for stage in parsed.stages] == [(2, 3), (4, 4), (5, 5)]


def test_parse_dockerfile__lines_and_text_of_a_long_instruction() -> None:
    text = "RUN --mount=type=cache,target=/c \\\n  # why\n  pip install \\\n\n  flask"
    found = only(text)
    assert (found.line, found.end_line, found.original) == (2, 6, text)
    assert found.one_line == "RUN --mount=type=cache,target=/c pip install flask"
    assert found.values_of("mount") == ("type=cache,target=/c",)
    assert found.args == ("pip install   flask",)


@pytest.mark.parametrize(
    ("text", "args", "is_json"),
    [
        ('RUN ["pip", "install", "a b"]', ("pip", "install", "a b"), True),
        ("RUN ['pip']", ("['pip']",), False),
        ('RUN ["pip"] && x', ('["pip"] && x',), False),
        ('COPY ["a b", "c"] d/', ('["a', 'b",', '"c"]', "d/"), False),
        ('COPY ["a b", "c/"]', ("a b", "c/"), True),
        ('ENV A=1 B="x y" C=', ("A", "1", "B", '"x y"', "C", ""), False),
        ("ENV OLD form of it", ("OLD", "form of it"), False),
        ("WORKDIR   /a b ", ("/a b",), False),
        ("run x", ("x",), False),
    ],
)
def test_parse_dockerfile__arguments(text: str, args: tuple[str, ...], is_json: bool) -> None:
    found = only(text)
    assert (found.args, found.json) == (args, is_json)


def test_parse_dockerfile__flags() -> None:
    found = only("COPY --from=build --link --chown=1:1 --exclude=a --exclude=b x y")
    assert found.value_of("from") == "build"
    assert found.value_of("link") == "true"
    assert found.value_of("chmod") == ""
    assert found.values_of("exclude") == ("a", "b")


@pytest.mark.parametrize(
    ("text", "content", "expand"),
    [
        ("RUN <<EOF\n\tpip\nEOF", "\tpip\n", True),
        ("RUN <<-EOF\n\tpip\n\tEOF", "pip\n", True),
        ("RUN <<'EOF'\n$x\nEOF", "$x\n", False),
        ('COPY <<"EOF" /x\n$x\nEOF', "$x\n", False),
        ("RUN << EOF\npip\nEOF", "pip\n", True),
        ("RUN <<EOF\r\npip\r\nEOF\r\n", "pip\r\n", True),
    ],
)
def test_parse_dockerfile__heredocs(text: str, content: str, expand: bool) -> None:
    (heredoc,) = only(text).heredocs
    assert (heredoc.name, heredoc.content, heredoc.expand) == ("EOF", content, expand)


def test_parse_dockerfile__two_heredocs_in_one_instruction() -> None:
    found = only("COPY <<-A <<'B' /d/\n\t1\n\tA\n2\nB")
    assert [(one.name, one.content, one.expand) for one in found.heredocs] == [("A", "1\n", True), ("B", "2\n", False)]
    assert found.end_line == 6


def test_parse_dockerfile__onbuild_holds_a_whole_instruction() -> None:
    found = only("ONBUILD RUN --mount=type=cache,target=/c <<EOF\npip\nEOF").trigger
    assert found is not None
    assert (found.keyword, found.line, found.end_line, found.flags) == ("RUN", 2, 4, ("--mount=type=cache,target=/c",))
    assert found.heredocs[0].content == "pip\n"


@pytest.mark.parametrize(
    ("text", "directives"),
    [
        ("# syntax=docker/dockerfile:1\n# escape=`\nFROM a", {"syntax": "docker/dockerfile:1", "escape": "`"}),
        ("\ufeff#SYNTAX = x y \r\nFROM a", {"syntax": "x y"}),
        ("# a comment\n# escape=`\nFROM a", {}),
        ("# check=skip=all\n#escape=\\\nFROM a", {"check": "skip=all", "escape": "\\"}),
        ("FROM a\n# escape=`\n", {}),
    ],
)
def test_parse_dockerfile__directives(text: str, directives: dict[str, str]) -> None:
    parsed = parse_dockerfile(text)
    assert parsed.directives == directives
    assert parsed.escape == directives.get("escape", "\\")


def test_parse_dockerfile__keeps_the_text_as_it_is() -> None:
    text = b"\xef\xbb\xbfFROM a\r\nRUN x\r\n# \xc3\xa9\r\n"
    assert parse_dockerfile(text).text.encode() == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "Dockerfile is empty."),
        (" \r\n\t", "Dockerfile is empty."),
        ("# nothing\n", "Dockerfile has no instructions, only comments."),
        ("FROM a\nRUNN x", "Dockerfile, line 2: unknown instruction 'RUNN': RUNN x"),
        ("RUN x\nFROM a", "Dockerfile, line 1: there is no FROM before this instruction: RUN x"),
        ("ARG A", "Dockerfile, line 1: there is no FROM in this file: ARG A"),
        ("FROM a b", "Dockerfile, line 1: FROM takes an image, or an image, AS and a name: FROM a b"),
        ("FROM", "Dockerfile, line 1: FROM takes an image, or an image, AS and a name: FROM"),
        ("FROM a AS 1x", "Dockerfile, line 1: '1x' cannot be the name of a stage: FROM a AS 1x"),
        ("FROM a\nCOPY x", "Dockerfile, line 2: COPY needs a source and a destination: COPY x"),
        ("FROM a\n\nENV x", "Dockerfile, line 3: ENV must have two arguments: ENV x"),
        ("FROM a\nENV", "Dockerfile, line 2: ENV needs an argument: ENV"),
        ("FROM a\nRUN <<A\nA\nRUN <<B\nx", "Dockerfile, line 4: unterminated heredoc: RUN <<B"),
        ("# escape=x\nFROM a", "Dockerfile, line 1: invalid escape token 'x' does not match ` or \\: # escape=x"),
        (b"FROM a\n# gr\xfc\xdfe", "Dockerfile, line 2: not UTF-8: b'\\xfc'."),
        ("FROM a".encode("utf-16"), "Dockerfile is UTF-16, which Docker cannot read."),
        ("FROM a\nRUN \x00", "Dockerfile, line 2: the character '\\x00' cannot stand in a Dockerfile."),
        ("FROM a\nRUN \ud800", "Dockerfile, line 2: the character '\\ud800' cannot stand in a Dockerfile."),
        (
            "FROM a\nCMD [1]",
            "Dockerfile, line 2: when using JSON array syntax, arrays must be comprised of strings only",
        ),
        ("FROM a\nRUN " + "x" * 70_000, "Dockerfile, line 2: longer than BuildKit's limit of 65535 bytes."),
    ],
)
def test_parse_dockerfile__errors_name_the_line_and_what_stands_there(text: str | bytes, message: str) -> None:
    with pytest.raises(InputError) as error:
        parse_dockerfile(text)
    assert error.value.message.startswith(message)
    assert len(error.value.message) < 300


def test_parse_dockerfile__suggests_the_instruction_that_was_meant() -> None:
    with pytest.raises(InputError) as error:
        parse_dockerfile("FROM a\nWORKDIRE /x")
    assert error.value.hint == "Did you mean WORKDIR?"


def test_parse_dockerfile__other_frontends_have_other_instructions() -> None:
    parsed = parse_dockerfile("# syntax=example/frontend:1\nFROM a\nINCLUDE x\nRUN y")
    assert [one.keyword for one in parsed.stages[0].instructions] == ["INCLUDE", "RUN"]
    with pytest.raises(InputError, match="INCLUDE"):
        parse_dockerfile("# syntax=docker.io/docker/dockerfile:1.7-labs\nFROM a\nINCLUDE x")


STAGES = parse_dockerfile(
    """\
ARG BASE=a
FROM python AS a
FROM python AS b
FROM ${BASE} AS c
COPY --from=B x y
FROM scratch AS d
RUN --mount=from=a,target=/a --mount=type=cache,target=/x,from=nowhere true
COPY --from=0 x y
COPY --from=ghcr.io/x/y:1 x y
FROM scratch AS last
ONBUILD COPY --from=d x y
FROM last
"""
)


@pytest.mark.parametrize(
    ("target", "needed"),
    [("a", "a"), ("c", "a b c"), ("2", "a b c"), ("D", "a d"), ("last", "last"), ("", "a d last stage-5")],
)
def test_stages_needed__follows_from_copy_mounts_and_onbuild(target: str, needed: str) -> None:
    assert " ".join(stage.label for stage in STAGES.stages_needed(target)) == needed


def test_stages_needed__build_argument_chooses_the_base() -> None:
    chosen = STAGES.resolved({"BASE": "b"})
    assert [stage.label for stage in chosen.stages_needed("c")] == ["b", "c"]


@pytest.mark.parametrize(
    ("target", "hint"),
    [("lats", "Did you mean 'last'?"), ("zzz", "Its stages are: a, b, c, d, last."), ("9", "Its stages are: a, b")],
)
def test_stages_needed__unknown_target(target: str, hint: str) -> None:
    with pytest.raises(InputError) as error:
        STAGES.stages_needed(target)
    assert repr(target) in error.value.message
    assert error.value.hint.startswith(hint)


def test_stages_needed__unknown_number_in_copy() -> None:
    with pytest.raises(InputError, match="line 2: there is no stage 7: COPY --from=7 a b"):
        parse_dockerfile("FROM a\nCOPY --from=7 a b").stages_needed()


def test_resolved__variable_that_cannot_be_read_is_no_stage() -> None:
    parsed = parse_dockerfile("ARG B=${C:?say which}\nFROM a AS x\nFROM ${X\nFROM $NOTHING\nFROM $B")
    assert [stage.base_name for stage in parsed.stages] == ["a", "", "", ""]
    assert {stage.base_stage for stage in parsed.stages} == {None}
    assert parsed.resolved({"B": "x"}).stages[3].base_stage == 0


def test_find_dockerfile__default_and_named(tmp_path: Path) -> None:
    (tmp_path / "dockerfile").write_text("FROM a")
    assert find_dockerfile(tmp_path).name == "dockerfile"
    (tmp_path / "Dockerfile").write_text("FROM a")
    assert find_dockerfile(tmp_path) == tmp_path / "Dockerfile"
    assert find_dockerfile(tmp_path, str(tmp_path / "dockerfile")).name == "dockerfile"


def test_find_dockerfile__missing_or_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no Dockerfile at"):
        find_dockerfile(tmp_path)
    with pytest.raises(InputError, match="is a folder"):
        find_dockerfile(tmp_path, str(tmp_path))
