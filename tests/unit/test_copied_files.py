"""Files a COPY takes are told with what BuildKit keys them by; nothing in a context ends the run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pycache_action import copied_files
from pycache_action.copied_files import CopiedFiles
from pycache_action.dockerfile.context import read_context


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text("1")
    (tmp_path / "src" / "b.txt").write_text("2")
    return tmp_path


def describe(root: Path, source: str) -> dict[str, tuple[str, str]]:
    files = CopiedFiles(read_context(root, root / "Dockerfile")).describe(source)
    return {file.path: (file.digest, file.mode) for file in files}


@pytest.mark.parametrize(
    ("source", "paths"),
    [
        ("src/app.py", ["src/app.py"]),
        ("/src/app.py", ["src/app.py"]),
        ("src", ["src/app.py", "src/b.txt"]),
        ("src/", ["src/app.py", "src/b.txt"]),
        ("src/*.py", ["src/app.py"]),
        (".", ["Dockerfile", "src/app.py", "src/b.txt"]),
        ("/", ["Dockerfile", "src/app.py", "src/b.txt"]),
        ("nowhere", []),
        ("[", []),
    ],
)
def test_describe__sources(root: Path, source: str, paths: list[str]) -> None:
    assert sorted(describe(root, source)) == paths


def test_describe__content_and_mode_count_and_time_does_not(root: Path) -> None:
    file = root / "src" / "app.py"
    before = describe(root, "src/app.py")
    os.utime(file, (1, 1))
    assert describe(root, "src/app.py") == before
    file.chmod(0o755)
    after = describe(root, "src/app.py")
    assert after["src/app.py"][0] == before["src/app.py"][0]
    assert after["src/app.py"][1] == "0755"
    file.write_text("changed")
    assert describe(root, "src/app.py")["src/app.py"][0] != before["src/app.py"][0]


def test_describe__what_is_ignored_is_not_copied(root: Path) -> None:
    (root / ".dockerignore").write_text("src/b.txt\n")
    assert list(describe(root, "src")) == ["src/app.py"]


def test_describe__links_by_where_they_lead(root: Path) -> None:
    link = root / "src" / "link"
    link.symlink_to("/no/such/place")
    before = describe(root, "src")["src/link"]
    link.unlink()
    link.symlink_to("/another/place")
    assert describe(root, "src")["src/link"] != before


def test_describe__a_link_out_of_the_context_is_not_followed(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret").write_text("hunter2")
    (root / "src" / "folder").symlink_to(outside)
    assert not any("secret" in path for path in describe(root, "src"))


def test_describe__a_link_to_a_folder_counts(root: Path) -> None:
    (root / "src" / "folder").symlink_to("..")
    assert "src/folder" in describe(root, "src")


def test_describe__pipes_are_not_read(root: Path) -> None:
    os.mkfifo(root / "src" / "pipe")
    assert describe(root, "src")["src/pipe"][0] == "special"


def test_describe__names_that_are_no_text(root: Path) -> None:
    Path(os.fsdecode(os.fsencode(root / "src") + b"/\xff")).write_text("x")
    assert "src/\udcff" in describe(root, "src")


def test_describe__too_many_files_are_not_all_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copied_files, "MOST_FILES", 2)
    files = CopiedFiles(read_context(root, root / "Dockerfile"))
    assert len(list(files.describe("."))) == 2
    assert not files.complete


def test_describe__too_much_to_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copied_files, "MOST_BYTES", 10)
    with (root / "src" / "big").open("wb") as file:
        file.truncate(1_000_000)
    files = CopiedFiles(read_context(root, root / "Dockerfile"))
    assert "src/big" not in {file.path for file in files.describe("src")}
    assert not files.complete
