"""No text, however strange, ends in anything but an answer or an InputError."""

from __future__ import annotations

import contextlib
import time

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.unit.dockerfile.files import FilesInMemory, steps_of
from tests.unit.dockerfile.shapes import SHAPES

from pycache_action.dockerfile.dockerignore import parse_dockerignore
from pycache_action.dockerfile.install_steps import find_install_steps
from pycache_action.dockerfile.parse import parse_dockerfile
from pycache_action.errors import InputError

FILES = FilesInMemory(frozenset({"requirements.txt", "pyproject.toml", "uv.lock", "poetry.lock", "a/b.txt"}))

_words = st.sampled_from(
    [
        "RUN",
        "COPY",
        "ADD",
        "FROM",
        "ENV",
        "ARG",
        "WORKDIR",
        "ONBUILD",
        "SHELL",
        "pip",
        "pip3",
        "install",
        "uv",
        "sync",
        "poetry",
        "export",
        "pdm",
        "pipenv",
        "-r",
        "-c",
        "-e",
        "--from=a",
        "--from=0",
        "--parents",
        "--exclude=*",
        "-o",
        ">",
        ">>",
        "<",
        "<<",
        "<<EOF",
        "EOF",
        "<(",
        "$(",
        ")",
        "(",
        "{",
        "}",
        ";",
        ";;",
        "&&",
        "||",
        "|",
        "&",
        "'",
        '"',
        "`",
        "\\",
        "$",
        "${",
        "${A:-x}",
        "$A",
        "A=1",
        "if",
        "then",
        "fi",
        "for",
        "in",
        "do",
        "done",
        "case",
        "esac",
        "while",
        "[",
        "]",
        "[[",
        "]]",
        "((",
        "))",
        "#",
        "*",
        "?",
        "**",
        ".",
        "..",
        "/",
        "./",
        "/app",
        "requirements.txt",
        "a/b.txt",
        ".",
        "~",
        "xargs",
        "cat",
        "sed",
        "-i",
        "cp",
        "mv",
        "sudo",
        "env",
        "sh",
        "-c",
        "bash",
        "python",
        "-m",
        "cd",
        "--mount=from=a,target=/",
        "--mount=target=.",
        "AS",
        "as",
        "a",
        "b",
        "\n",
        "\n",
        "\n",
        "\\\n",
        "\t",
        "é",
        "\u2028",
        "\ufeff",
        "--",
        "-",
        "=",
        '["pip","install"]',
        "tee",
        "curl",
        "-O",
        "git",
        "clone",
    ]
)
_lines = st.lists(_words, max_size=60).map(" ".join)


def answers(text: str | bytes) -> None:
    with contextlib.suppress(InputError):
        parsed = parse_dockerfile(text)
        for stage in parsed.stages:
            find_install_steps(parsed, FILES, str(stage.index), {"A": "requirements.txt"}, platform="linux/amd64")


@settings(max_examples=300, deadline=None)
@given(st.text() | st.binary())
def test_find_install_steps__any_text(text: str | bytes) -> None:
    answers(text)


@settings(max_examples=600, deadline=None)
@given(_lines)
@example("FROM a AS a\nFROM a AS b\nCOPY --from=b / /\nRUN pip install -r /x")
@example("FROM a\nCOPY --from=0 / /\nRUN pip install -r /x")
@example("ARG A=${")
def test_find_install_steps__any_words(text: str) -> None:
    answers(text)
    answers(f"ARG {text}\nFROM python AS a\n{text}")
    answers(f"FROM python AS a\n{text}")
    answers(f"FROM python AS a\nRUN {text}")


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SHAPES), st.data())
def test_find_install_steps__shapes_cut_and_mixed(shape: object, data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(SHAPES)).dockerfile
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    answers(text[:start] + data.draw(_lines) + text[end:])


@settings(max_examples=300, deadline=None)
@given(st.text() | _lines, st.lists(st.text(alphabet="ab*[]!./\\ ", min_size=1), max_size=3))
def test_parse_dockerignore__any_text(text: str, paths: list[str]) -> None:
    with contextlib.suppress(InputError):
        found = parse_dockerignore(text)
        for path in paths:
            found.rule_for(path)


def seconds(text: str) -> float:
    """The best of three, since other processes share the machine."""
    taken = []
    for _ in range(3):
        begun = time.process_time()
        steps_of(text, "requirements.txt")
        taken.append(time.process_time() - begun)
    return min(taken)


def test_find_install_steps__ten_thousand_lines_in_a_second() -> None:
    instructions = ["FROM python:3.13", "WORKDIR /app", "COPY requirements.txt ."]
    for number in range(2_500):
        instructions += [
            f"ENV V{number}=x",
            f"COPY a{number}.py b{number}/",
            "RUN pip install -r requirements.txt",
            "#",
        ]
    assert seconds("\n".join(instructions)) < 1


def test_find_install_steps__long_scripts() -> None:
    script = " && \\\n".join(f"    pip install --no-cache-dir package-{number}==1.0" for number in range(1_000))
    assert seconds(f"FROM python\nRUN {script}\n") < 1
    lines = "\n".join(f"echo line {number} >> /tmp/log" for number in range(10_000))
    assert seconds(f"FROM python\nRUN <<EOF\n{lines}\nEOF\n") < 2


def test_find_install_steps__stages_that_copy_from_each_other_come_to_an_end() -> None:
    stages = [f"FROM scratch AS s{number}" for number in range(400)]
    stages = [
        f"{stage}\nCOPY --from=s{number - 1} /a /b\nCOPY --from=s{number - 1} /b /a\nCOPY --from=s{number - 1} / /c"
        for number, stage in enumerate(stages)
    ]
    text = "FROM scratch AS s-1\n" + "\n".join(stages) + "\nFROM s399\nRUN pip install -r /a/b/c\n"
    assert seconds(text) < 3


def test_find_install_steps__a_long_chain_of_stages() -> None:
    stages = "\n".join(f"FROM s{number} AS s{number + 1}\nENV A=1" for number in range(2_000))
    found = steps_of(
        f"FROM python AS s0\nCOPY requirements.txt /\n{stages}\nRUN pip install -r /requirements.txt",
        "requirements.txt",
    )
    assert [one.path for one in found[0].wanted] == ["requirements.txt"]
