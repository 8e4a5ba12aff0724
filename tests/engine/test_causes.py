"""Every install that ran again is explained: by the first thing that changed, with the file and line that did it.

One build is saved for all tests of this file; each of them changes one thing about a copy of its project.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from tests.engine.harness import Outcome, Product, Project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.engine.conftest import Session
    from tools.engine import Engine

DOCKERFILE = """\
FROM {base}
ARG FLAVOUR=plain
ENV PROJECT=causes
WORKDIR /app
COPY requirements.txt constraints.txt ./
RUN pip install -r requirements.txt
COPY . .
"""
EVERYTHING_FIRST = """\
FROM {base}
WORKDIR /everything
COPY . .
RUN pip install -r requirements.txt
"""


@dataclass(frozen=True, slots=True)
class Saved:
    """A project that was built and saved; `change` builds a copy of it that `edit` changed."""

    product: Product
    project: Project
    options: tuple[str, ...]
    folder: Path

    def change(self, edit: Callable[[Project], object], *options: str, product: Product | None = None) -> Outcome:
        copy = Project(self.folder / "changed" / self.project.folder.name)
        shutil.copytree(self.project.folder, copy.folder)
        edit(copy)
        outcome = (product or self.product).build(copy, *self.options, "--save", "never", *options)
        assert outcome.exit_code == 0, outcome
        return outcome


@pytest.fixture(scope="module")
def prepared(
    engine: Engine, session: Session, make_product: Callable[[Path], Product], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[Project, tuple[str, ...]]]:
    folder = tmp_path_factory.mktemp("causes")
    product = make_product(folder)
    made: dict[str, tuple[Project, tuple[str, ...]]] = {}
    for kind, dockerfile in (("requirements-first", DOCKERFILE), ("everything-first", EVERYTHING_FIRST)):
        project = Project(folder / kind)
        project.write("Dockerfile", dockerfile.format(base=session.base))
        project.write("requirements.txt", "-c constraints.txt\nalpha==1.0\nbeta==1.0\n")
        project.write("constraints.txt", "gamma<3\n")
        project.write("app.py", "import alpha\n")
        cache = f"registry,ref={engine.registry}/engine-tests/causes/{session.token}-{kind}"
        options = ("--cache", cache, "--output", "type=cacheonly")
        cold = product.build(project, *options)
        assert (cold.exit_code, cold.cause_ids) == (0, ["no-previous-build"]), cold
        made[kind] = (project, options)
    return made


@pytest.fixture
def saved(prepared: dict[str, tuple[Project, tuple[str, ...]]], pycache: Product, tmp_path: Path) -> Saved:
    project, options = prepared["requirements-first"]
    return Saved(pycache, project, options, tmp_path)


@pytest.fixture
def saved_everything_first(
    prepared: dict[str, tuple[Project, tuple[str, ...]]], pycache: Product, tmp_path: Path
) -> Saved:
    project, options = prepared["everything-first"]
    return Saved(pycache, project, options, tmp_path)


def only_cause(outcome: Outcome) -> dict[str, Any]:
    assert len(outcome.causes) == 1, outcome
    return outcome.causes[0]


def test_causes__nothing_changed(saved: Saved, new_runner: Callable[[], Product]) -> None:
    outcome = saved.change(lambda _: None, product=new_runner())
    assert (outcome.report["result"], outcome.causes) == ("hit", []), outcome


def test_causes__a_comment_added(saved: Saved) -> None:
    cause = only_cause(saved.change(lambda p: p.edit("requirements.txt", "alpha", "# why it is here\nalpha")))
    assert cause["id"] == "dependency-file-rewritten"
    assert cause["file"].endswith("requirements.txt")


def test_causes__a_package_added(saved: Saved) -> None:
    outcome = saved.change(lambda p: p.edit("requirements.txt", "beta==1.0\n", "beta==1.0\ndelta==1.0\n"))
    cause = only_cause(outcome)
    assert cause["id"] == "dependencies-changed"
    assert (cause["file"].endswith("requirements.txt"), cause["line"]) == (True, 4)
    assert "delta" in cause["message"]
    assert [each["name"] for each in outcome.report["dependencies"]["added"]] == ["delta"]
    assert "delta" in outcome.output


def test_causes__a_package_removed(saved: Saved) -> None:
    outcome = saved.change(lambda p: p.edit("requirements.txt", "beta==1.0\n", ""))
    assert only_cause(outcome)["id"] == "dependencies-changed"
    assert "beta was removed" in only_cause(outcome)["message"]


def test_causes__a_package_upgraded(saved: Saved) -> None:
    outcome = saved.change(lambda p: p.edit("requirements.txt", "alpha==1.0", "alpha==2.0"))
    cause = only_cause(outcome)
    assert (cause["id"], cause["line"]) == ("dependencies-changed", 2)
    assert "alpha was upgraded from 1.0 to 2.0" in cause["message"]


def test_causes__a_constraint_changed(saved: Saved) -> None:
    cause = only_cause(saved.change(lambda p: p.edit("constraints.txt", "gamma<3", "gamma<2")))
    assert cause["id"] == "dependencies-changed"
    assert (cause["file"].endswith("constraints.txt"), cause["line"]) == (True, 1)


def test_causes__another_base_image(saved: Saved, session: Session, pycache: Product, engine: Engine) -> None:
    other = f"{engine.registry}/engine-tests/{session.token}/other:1"
    push_on_top(pycache, session.base, other, "other")
    cause = only_cause(saved.change(lambda p: p.edit("Dockerfile", session.base, other)))
    assert (cause["id"], cause["line"]) == ("base-image-changed", 1)
    assert other in cause["message"]


def test_causes__the_base_image_s_tag_moved(
    project: Project, session: Session, pycache: Product, engine: Engine, cache: str
) -> None:
    tag = f"{engine.registry}/engine-tests/{session.token}/moving:1"
    options = ("--cache", cache, "--output", "type=cacheonly")
    push_on_top(pycache, session.base, tag, "before")
    project.edit("Dockerfile", session.base, tag)
    assert pycache.build(project, *options).exit_code == 0
    push_on_top(pycache, session.base, tag, "after")
    outcome = pycache.build(project, *options)
    cause = only_cause(outcome)
    assert (cause["id"], cause["line"]) == ("base-image-changed", 1)
    assert "its tag moved" in cause["message"]
    assert cause["evidence"]["old"]["digest"] != cause["evidence"]["new"]["digest"]


def test_causes__an_instruction_edited(saved: Saved) -> None:
    cause = only_cause(saved.change(lambda p: p.edit("Dockerfile", "WORKDIR /app", "WORKDIR /srv/app")))
    assert (cause["id"], cause["line"]) == ("instruction-changed", 4)
    assert "WORKDIR /app" in cause["message"]


def test_causes__the_install_itself_edited(saved: Saved) -> None:
    cause = only_cause(saved.change(lambda p: p.edit("Dockerfile", "pip install -r", "pip install --no-compile -r")))
    assert (cause["id"], cause["line"]) == ("instruction-changed", 6)


def test_causes__an_instruction_added(saved: Saved) -> None:
    cause = only_cause(saved.change(lambda p: p.edit("Dockerfile", "WORKDIR /app\n", "WORKDIR /app\nRUN true\n")))
    assert (cause["id"], cause["line"]) == ("instruction-changed", 5)
    assert "added" in cause["message"]


def test_causes__an_instruction_removed(saved: Saved) -> None:
    cause = only_cause(saved.change(lambda p: p.edit("Dockerfile", "ENV PROJECT=causes\n", "")))
    assert cause["id"] == "instruction-changed"
    assert "removed" in cause["message"]
    assert "ENV PROJECT=causes" in cause["message"]


def test_causes__a_build_argument(saved: Saved) -> None:
    outcome = saved.change(lambda _: None, "--build-arg", "FLAVOUR=very-secret-flavour")
    cause = only_cause(outcome)
    assert (cause["id"], cause["line"]) == ("build-arg-changed", 2)
    assert "FLAVOUR" in cause["message"]
    assert "very-secret-flavour" not in str(outcome.report)


def test_causes__a_file_copied_too_early(saved_everything_first: Saved) -> None:
    cause = only_cause(saved_everything_first.change(lambda p: p.write("app.py", "import beta\n")))
    assert (cause["id"], cause["line"]) == ("copied-files-changed", 3)
    assert cause["evidence"]["files"] == ["app.py"]


def test_causes__a_mode_changed(saved: Saved) -> None:
    cause = only_cause(saved.change(lambda p: p.path("requirements.txt").chmod(0o755)))
    assert cause["id"] == "file-metadata-changed"
    assert cause["evidence"]["files"] == [{"file": "requirements.txt", "old": "0644", "new": "0755"}]


@pytest.mark.parametrize(
    ("options", "setting"), [(("--no-cache",), "no-cache"), (("--cache", "off", "--no-cache"), "cache: off")]
)
def test_causes__the_cache_is_switched_off(saved: Saved, options: tuple[str, ...], setting: str) -> None:
    cause = only_cause(saved.change(lambda _: None, *options))
    assert cause["id"] == "cache-disabled"
    assert setting in cause["message"]


def test_causes__what_does_not_matter_is_no_cause(
    saved: Saved, new_runner: Callable[[], Product], session: Session
) -> None:
    """Times, files copied after the install, instructions after it, stages that the image does not need."""

    def edit(project: Project) -> None:
        project.write("app.py", "import beta\n")
        project.write("README.md", "new\n")
        project.write("requirements.txt", project.path("requirements.txt").read_text())
        project.edit("Dockerfile", "COPY . .", "COPY . .\nENV LATE=1")
        text = project.path("Dockerfile").read_text()
        project.write("Dockerfile", f"FROM {session.base} AS unused\nRUN exit 3\n\n{text}")

    outcome = saved.change(edit, product=new_runner())
    assert (outcome.report["result"], outcome.causes) == ("hit", []), outcome


def push_on_top(product: Product, base: str, tag: str, content: str) -> None:
    """Pushes `base` with one file more."""
    folder = product.folder / f"on-top-{content}"
    folder.mkdir()
    (folder / "content").write_text(content)
    (folder / "Dockerfile").write_text(f"FROM {base}\nCOPY content /content\n")
    product.docker("buildx", "build", "--provenance=false", "--push", "--tag", tag, str(folder))
