"""What the runner makes of the lines we write, read back as the runner reads them."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycache_action.github.workflow import SUMMARY_BYTES, WorkflowCommands, append_summary, defuse, write_outputs

if TYPE_CHECKING:
    from pathlib import Path

REGISTERED = (
    "warning",
    "error",
    "notice",
    "add-mask",
    "set-output",
    "add-matcher",
    "stop-commands",
    "group",
    "endgroup",
)


def is_command(line: str) -> bool:
    """As the runner decides it: `::name ...::` after white space, or `##[name ...]` anywhere."""
    second = re.match(r"::([^ :]*)[^:]*::", line.lstrip())
    first = re.search(r"##\[([^ \]]*)[^\]]*\]", line)
    return any(found is not None and found[1] in REGISTERED for found in (second, first))


def parse_outputs(text: str) -> dict[str, str]:
    """As the runner reads the file of outputs."""
    found: dict[str, str] = {}
    lines = iter(re.split(r"\r\n|\n", text))
    for line in lines:
        if line:
            name, _, delimiter = line.partition("<<")
            value: list[str] = []
            for each in lines:
                if each == delimiter:
                    break
                value.append(each)
            found[name] = "\n".join(value)
    return found


def written() -> tuple[WorkflowCommands, io.StringIO]:
    stream = io.StringIO()
    return WorkflowCommands(stream), stream


def test_warning__carries_file_line_and_title() -> None:
    commands, stream = written()
    commands.warning("pip install ran", title="Cache missed", file="docker/Dockerfile", line=7)
    assert stream.getvalue() == "::warning title=Cache missed,file=docker/Dockerfile,line=7::pip install ran\n"


def test_warning__without_a_place_sends_no_empty_property() -> None:
    commands, stream = written()
    commands.warning("slow", line=7)
    assert stream.getvalue() == "::warning::slow\n"


def test_error__escapes_what_would_end_it() -> None:
    commands, stream = written()
    commands.error("100% of a,b\nsecond: line\r\n", title="a,b:c\n%0A", file="a,b:c.py", line=1)
    assert stream.getvalue() == (
        "::error title=a%2Cb%3Ac %250A,file=a%2Cb%3Ac.py,line=1::100%25 of a,b%0Asecond: line\n"
    )


@pytest.mark.parametrize(
    "line",
    [
        "::warning::x",
        "  ::set-output name=cache-hit::true",
        "\u00a0::add-mask::e",
        "text ##[add-matcher]evil.json",
        "##[warning]x",
        "a\r::error::b",
        "\x1b[0m::error::b",
        "\u2028::error::b",
        "##\x1b[0m[error]b",
        "##\x1b[[error]b",
    ],
)
def test_write__no_line_is_a_command(line: str) -> None:
    commands, stream = written()
    commands.write(line)
    commands.write("#1 0.2 " + line)
    assert not [each for each in stream.getvalue().split("\n") if is_command(each)]


@given(st.text(alphabet=st.sampled_from("::##[]\r\n \x1bwarning\u00a0x")))
def test_write__no_line_is_a_command_whatever_is_written(text: str) -> None:
    commands, stream = written()
    commands.write(text)
    assert not [each for each in re.split(r"\r\n|\r|\n", stream.getvalue()) if is_command(each)]


def test_defuse__leaves_other_lines_alone() -> None:
    assert defuse("std::vector ## [x]") == "std::vector ## [x]"


def test_group__is_closed_when_the_block_fails() -> None:
    commands, stream = written()
    with pytest.raises(ValueError, match="x"), commands.group("Build\n::error::x"):
        raise ValueError("x")
    assert stream.getvalue() == "::group::Build ::error::x\n::endgroup::\n"


def test_stopped__uses_another_token_every_time() -> None:
    commands, stream = written()
    for _ in range(2):
        with commands.stopped():
            commands.write("::error::x")
    tokens = re.findall(r"^::stop-commands::([0-9a-f]{32})$", stream.getvalue(), re.MULTILINE)
    assert len(set(tokens)) == 2
    assert all(f"\n::{token}::\n" in stream.getvalue() for token in tokens)


def test_mask__every_line_that_tells_something() -> None:
    commands, stream = written()
    commands.mask("hunter2", "", "  ", '{\n  "key": "abc%def"\n}\n', "x")
    assert stream.getvalue() == '::add-mask::hunter2\n::add-mask::"key": "abc%25def"\n::add-mask::x\n'


def test_write_outputs__hostile_values_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "output"
    path.write_text("before=1\n")
    values = {"metadata": '{\n  "a": "b<<EOF"\n}', "cache-hit": "true", "empty": "", "odd": "x\nghadelimiter_1\ny=z"}
    write_outputs(path, values)
    text = path.read_text().removeprefix("before=1\n")
    assert parse_outputs(text) == values


def test_write_outputs__a_value_that_is_no_unicode(tmp_path: Path) -> None:
    path = tmp_path / "output"
    write_outputs(path, {"report": "a\udcffb"})
    assert parse_outputs(path.read_text()) == {"report": "a?b"}


def test_append_summary__adds(tmp_path: Path) -> None:
    path = tmp_path / "summary"
    path.write_text("first\n")
    append_summary(path, "second\n")
    assert path.read_text() == "first\nsecond\n"


@pytest.mark.parametrize("line", ["é" * 100 + "\n", "é" * 2 * SUMMARY_BYTES])
def test_append_summary__is_cut_at_the_limit(tmp_path: Path, line: str) -> None:
    path = tmp_path / "summary"
    append_summary(path, line * (2 * SUMMARY_BYTES // len(line.encode()) + 1))
    text = path.read_bytes().decode()
    assert SUMMARY_BYTES - 1000 < len(text.encode()) <= SUMMARY_BYTES
    assert text.endswith("limit of 1 MiB._\n")


def test_append_summary__nothing_where_there_is_no_room(tmp_path: Path) -> None:
    path = tmp_path / "summary"
    path.write_bytes(b"x" * SUMMARY_BYTES)
    append_summary(path, "more")
    assert path.stat().st_size == SUMMARY_BYTES
