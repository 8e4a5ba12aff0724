from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.unit.dockerfile.files import tell

from pycache_action.dockerfile.context import DirectoryContext, read_context
from pycache_action.dockerfile.install_steps import find_install_steps
from pycache_action.dockerfile.parse import parse_dockerfile

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def context(tmp_path: Path) -> DirectoryContext:
    root = tmp_path / "root"
    for name in (
        "requirements.txt",
        "requirements-dev.txt",
        "services/api/requirements.txt",
        "secret/r.txt",
        "[x].txt",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("flask\n")
    (tmp_path / "outside.txt").write_text("django\n")
    (root / "out.txt").symlink_to("../outside.txt")
    (root / "in.txt").symlink_to("services/api/requirements.txt")
    (root / "hidden.txt").symlink_to("secret/r.txt")
    (root / "gone.txt").symlink_to("nothing")
    (root / "loop.txt").symlink_to("loop.txt")
    (root / "api").symlink_to("services/api")
    (root / ".dockerignore").write_text("secret\n")
    return read_context(root, root / "Dockerfile")


def test_exists__files_only_and_none_that_leave_the_context(context: DirectoryContext) -> None:
    there = ["requirements.txt", "services/api/requirements.txt", "in.txt", "api/requirements.txt"]
    missing = [
        "services",
        "out.txt",
        "gone.txt",
        "loop.txt",
        "hidden.txt",
        "secret/r.txt",
        "../outside.txt",
        "a\0b",
        "",
    ]
    assert [path for path in (*there, *missing) if context.exists(path)] == there


def test_glob__one_folder_after_the_other(context: DirectoryContext) -> None:
    assert context.glob("requirements*.txt") == ("requirements-dev.txt", "requirements.txt")
    assert context.glob("*/api") == ("services/api",)
    assert context.glob("s*/*/req*") == ("services/api/requirements.txt",)
    assert context.glob(r"\[x].txt") == ("[x].txt",)
    assert context.glob("secret/*") == ()
    assert context.glob("nothing/*") == ()


def test_why_not__says_what_is_there_instead(context: DirectoryContext) -> None:
    assert context.excluded_by("secret/r.txt") == ".dockerignore line 1"
    assert context.excluded_by("requirements.txt") == ""
    assert context.why_not("services") == "a folder"
    assert context.why_not("out.txt") == "a link that leads out of the build context, or nowhere"
    assert context.why_not("x.txt") == "not in the build context"


def test_find_install_steps__over_a_folder(context: DirectoryContext) -> None:
    dockerfile = parse_dockerfile(
        "FROM python\nCOPY req*.txt api/requirements.txt secret out.txt /r/\n"
        "RUN pip install -r /r/requirements.txt -r /r/requirements-dev.txt -r /r/r.txt -r /r/out.txt\n"
    )
    assert [tell(step) for step in find_install_steps(dockerfile, context)] == [
        (
            "3 pip: api/requirements.txt, requirements-dev.txt; "
            "unsure: /r/r.txt: secret is excluded by .dockerignore line 1 (line 2 copies it); "
            "unsure: /r/out.txt: out.txt is a link that leads out of the build context, or nowhere (line 2 copies it)"
        )
    ]
