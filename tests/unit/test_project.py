"""What is to be built is read from a folder or a Git repository; what is wrong with it is said with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.recordings.projects import STATIC, Shop
from tests.recordings.scripted import Asked, Say, Scripted

from pycache_action.buildx.client import Buildx
from pycache_action.buildx.options import Origin, Surroundings
from pycache_action.errors import InputError
from pycache_action.inputs import Inputs
from pycache_action.project import Project, open_context, read_project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def read(root: Path, **inputs: object) -> Project:
    return read_project(Inputs.from_values(inputs), root)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shop"
    Shop().write(folder)
    monkeypatch.chdir(folder)
    return folder


def test_read_project__installs_and_what_they_install(shop: Path) -> None:
    project = read(shop)
    assert [(step.line, [file.path for file in step.wanted]) for step in project.installs] == [
        (5, ["requirements.txt"])
    ]
    assert [file.path for file in project.dependencies.files] == ["requirements.txt"]
    assert project.dockerfile_name == "Dockerfile"
    assert project.warnings == ()


def test_read_project__nothing_is_installed(shop: Path) -> None:
    (shop / "Dockerfile").write_text(STATIC)
    (warning,) = read(shop).warnings
    assert "installs Python packages" in warning


def test_read_project__no_dockerfile(shop: Path) -> None:
    (shop / "Dockerfile").unlink()
    with pytest.raises(InputError) as raised:
        read(shop)
    assert raised.value.hint


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"FROM\n", b"COPPY a b\n", b"RUN x\n", b"FROM scratch\nRUN <<EOF\nx"]
)
def test_read_project__a_dockerfile_that_is_none(shop: Path, content: bytes) -> None:
    (shop / "Dockerfile").write_bytes(content)
    with pytest.raises(InputError):
        read(shop)


def test_read_project__a_missing_dependency_file_is_a_warning(shop: Path) -> None:
    (shop / "requirements.txt").unlink()
    project = read(shop)
    assert any("requirements.txt" in warning for warning in project.warnings)


@pytest.mark.parametrize("content", [b"\xff\xff\xff", b"alpha==\n", b"-r nowhere.txt\n", b"\x00"])
def test_read_project__a_dependency_file_that_is_none(shop: Path, content: bytes) -> None:
    (shop / "requirements.txt").write_bytes(content)
    assert read(shop).warnings


def test_read_project__the_files_that_were_given(shop: Path) -> None:
    (shop / "more.txt").write_text("gamma\n")
    project = read(shop, dependency_files="*.txt")
    assert [file.path for file in project.dependencies.files] == ["more.txt", "requirements.txt"]


def test_read_project__a_pattern_that_matches_nothing(shop: Path) -> None:
    with pytest.raises(InputError, match=r"'\*\.lock' matches no file"):
        read(shop, dependency_files="*.lock")


def test_name__as_the_repository_has_it(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop.parent)
    project = read(shop, context="shop")
    assert project.name("requirements.txt") == "shop/requirements.txt"
    assert project.dockerfile_name == "shop/Dockerfile"


def test_name__the_folder_above(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shop / "docker").mkdir()
    monkeypatch.chdir(shop / "docker")
    assert read(shop, context="..").name("requirements.txt") == "../requirements.txt"


def buildx(answer: Callable[[Asked], Say]) -> Buildx:
    return Buildx(program=("docker", "buildx"), processes=Scripted(answer), environment={})


def refuse(_: Asked) -> Say:
    raise AssertionError("no builder is needed")


def test_open_context__a_folder(shop: Path) -> None:
    with open_context(Inputs.from_values({"context": str(shop)}), buildx(refuse), Surroundings()) as root:
        assert root == shop


@pytest.mark.parametrize("context", ["nowhere", "requirements.txt"])
def test_open_context__no_folder(shop: Path, context: str) -> None:
    with (
        pytest.raises(InputError, match=f"no folder '{context}'") as raised,
        open_context(Inputs.from_values({"context": context}), buildx(refuse), Surroundings()),
    ):
        pass
    assert "actions/checkout" in raised.value.hint


ORIGIN = Surroundings(origin=Origin(git_context="https://github.com/org/app.git#0123", run_url="https://x"))


def test_open_context__without_a_checkout_the_builder_fetches_it() -> None:
    def fetch(asked: Asked) -> Say:
        assert asked.standard_input == b"FROM scratch\nCOPY . /\n"
        assert "https://github.com/org/app.git#0123" in asked.arguments
        Shop().write(asked.destination)
        return Say()

    with open_context(Inputs.from_values({"github_token": "hunter2"}), buildx(fetch), ORIGIN) as root:
        assert (root / "requirements.txt").is_file()
    assert not root.exists()


def test_open_context__it_cannot_be_fetched() -> None:
    words = ['{"vertexes": []}', "ERROR: repository not found"]
    with (
        pytest.raises(InputError, match="cannot be fetched: repository not found") as raised,
        open_context(Inputs.from_values({}), buildx(lambda _: Say(exit_code=1, stderr=words)), ORIGIN),
    ):
        pass
    assert "contents: read" in raised.value.hint


def test_open_context__it_does_not_come() -> None:
    with (
        pytest.raises(InputError, match="cannot be fetched: deadline"),
        open_context(Inputs.from_values({}), buildx(lambda _: Say(exit_code=-15, stopped="deadline")), ORIGIN),
    ):
        pass
