"""What people get wrong is told in one message: what was seen, what to do, and an exit code; never a traceback.

`Product.run` itself fails a test where there is a traceback.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.engine.harness import Outcome, Product, Project

CACHE_ONLY = ("--output", "type=cacheonly")


def assert_told(outcome: Outcome, exit_code: int, *words: str) -> None:
    assert outcome.exit_code == exit_code, outcome
    folded = " ".join(outcome.output.split())
    for word in words:
        assert word in folded, outcome


def test_build__no_folder(pycache: Product) -> None:
    assert_told(pycache.run("build", "no-such-folder"), 2, "no-such-folder", "pycache:")


def test_build__no_dockerfile(pycache: Product, project: Project) -> None:
    project.path("Dockerfile").unlink()
    assert_told(pycache.build(project), 2, "Dockerfile")


def test_build__another_dockerfile_that_is_not_there(pycache: Product, project: Project) -> None:
    assert_told(pycache.build(project, "--file", "deploy/Dockerfile.prod"), 2, "deploy/Dockerfile.prod")


def test_build__dockerfile_does_not_parse(pycache: Product, project: Project) -> None:
    project.edit("Dockerfile", "COPY . .", "COPPY . .")
    assert_told(pycache.build(project, *CACHE_ONLY), 2, "Dockerfile", "line 6", "COPPY")


@pytest.mark.parametrize("content", ["", "\n\n", "# nothing\n", "FROM\n", "RUN <<EOF\n", "\x00\x01"])
def test_build__dockerfile_is_hardly_one(pycache: Product, project: Project, content: str) -> None:
    project.write("Dockerfile", content)
    assert_told(pycache.build(project, *CACHE_ONLY), 2, "Dockerfile")


def test_build__no_install_step(pycache: Product, project: Project, session_base: str) -> None:
    project.write("Dockerfile", f"FROM {session_base}\nRUN true\n")
    outcome = pycache.build(project, "--cache", "off", *CACHE_ONLY)
    assert outcome.exit_code == 0, outcome
    assert any("No step" in warning for warning in outcome.report["warnings"]), outcome
    assert outcome.report["result"] == "hit", "nothing was installed"


def test_build__a_dependency_file_is_missing(pycache: Product, project: Project) -> None:
    """The build says so itself; it is not ours to be stricter than pip."""
    project.path("requirements.txt").unlink()
    outcome = pycache.build(project, "--cache", "off", *CACHE_ONLY)
    assert_told(outcome, 1, "requirements.txt")
    assert outcome.report["result"] == "failed"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"alpha==1.0  # caf\xe9\n", "requirements.txt"),
        (b"alpha==1.0\nbeta==1.0  ; python_version >> '3'\n", "requirements.txt"),
    ],
    ids=["not-utf-8", "malformed"],
)
def test_build__a_dependency_file_that_cannot_be_read(
    pycache: Product, project: Project, content: bytes, words: str
) -> None:
    """The build runs: what cannot be understood is known by its bytes."""
    project.write("requirements.txt", content)
    project.edit("Dockerfile", "RUN pip install -r requirements.txt", "RUN pip install -r requirements.txt || true")
    outcome = pycache.build(project, "--cache", "off", *CACHE_ONLY)
    assert outcome.exit_code == 0, outcome
    assert any(words in warning for warning in outcome.report["warnings"]), outcome
    assert outcome.report["key"]


def test_build__a_dependency_file_that_no_glob_finds(pycache: Product, project: Project) -> None:
    assert_told(pycache.build(project, "--dependency-files", "req/*.txt"), 2, "req/*.txt", "Globs")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--cache", "regsitry,ref=localhost/x"), ("regsitry", "Did you mean 'registry'?")),
        (("--cache", "ftp"), ("ftp", "The forms are")),
        (("--cache", "registry"), ("names no reference", "ref=")),
        (("--cache", "registry,ref=localhost:5000/x:tag"), ("localhost:5000/x:tag", "not a repository")),
        (("--cache", "local"), ("names no directory", "path=")),
        (("--save", "sometimes"), ("sometimes", "auto")),
        (("--save", "alway"), ("alway", "always")),
        (("--builder", "no-such-builder"), ("no-such-builder",)),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else value,
)
def test_build__an_option_that_cannot_be_used(
    pycache: Product, project: Project, options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    assert_told(pycache.build(project, *options), 2, *words)


def test_build__an_unknown_option(pycache: Product, project: Project) -> None:
    assert_told(pycache.run("build", str(project.folder), "--cach", "off"), 2, "--cach", "--cache")


def test_build__no_engine(pycache: Product, project: Project) -> None:
    nowhere = pycache.on({"DOCKER_HOST": f"unix://{pycache.folder}/no.sock"})
    assert_told(nowhere.build(project), 3, "no.sock", "Start Docker")


def test_build__no_buildx(pycache: Product, project: Project) -> None:
    empty = pycache.folder / "empty"
    empty.mkdir()
    assert_told(pycache.on({"PATH": str(empty)}).build(project), 3, "no docker buildx", "Install")


@pytest.fixture
def program(pycache: Product) -> Callable[[str], Product]:
    """The product with a `buildx` of the test's own in front of the real one."""

    def place(script: str) -> Product:
        folder = pycache.folder / "bin"
        folder.mkdir()
        (folder / "buildx").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "buildx").chmod(0o755)
        return pycache.on({"PATH": f"{folder}{os.pathsep}{pycache.environ['PATH']}"})

    return place


def test_build__buildx_too_old(program: Callable[[str], Product], project: Project) -> None:
    old = program("echo github.com/docker/buildx v0.9.1 ed00243")
    assert_told(old.build(project), 3, "buildx is 0.9.1", "0.15 or newer")


def test_build__an_image_that_does_not_exist(pycache: Product, project: Project, session_base: str) -> None:
    project.edit("Dockerfile", session_base, session_base.replace("/python:", "/pyhton:"))
    outcome = pycache.build(project, "--cache", "off", *CACHE_ONLY)
    assert_told(outcome, 1, "/pyhton:")
    assert outcome.report["result"] == "failed"


def test_build__an_install_that_fails(pycache: Product, project: Project, cache: str) -> None:
    """The exit code is the build's, the installer's words are shown, and nothing is saved."""
    project.write("requirements.txt", "alpha==99\n")
    outcome = pycache.build(project, "--cache", cache, *CACHE_ONLY)
    assert_told(outcome, 1, "alpha==99", "No matching distribution")
    assert outcome.report["result"] == "failed"
    assert outcome.report["saved"]["reason"] == "the build failed"


def test_build__a_report_that_cannot_be_written(pycache: Product, project: Project) -> None:
    outcome = pycache.run(
        "build", str(project.folder), "--cache", "off", *CACHE_ONLY, "--report", str(pycache.folder / "no" / "r.json")
    )
    assert_told(outcome, 2, "no/r.json")


def test_key__no_dockerfile(pycache: Product, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert_told(pycache.run("key", str(tmp_path / "empty")), 2, "Dockerfile")
