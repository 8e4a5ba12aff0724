"""The workflow files here and in the examples are sound, pinned, and name inputs that there are."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tools.engine.gotools import ACTIONLINT, ensure_program
from tools.engine.state import find_state
from tools.engine.steps import EngineError
from tools.engine.toolbox import build_here

from pycache_action.inputs import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
OWN = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
EXAMPLES = sorted(ROOT.glob("examples/*/.github/workflows/*.yml"))
WORKFLOWS = [*OWN, *EXAMPLES]
ACTION = "org/pycache-action@v1"
REUSABLE = "org/pycache-action/.github/workflows/build.yml@v1"

each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: str(path.relative_to(ROOT)))


@pytest.fixture(scope="module")
def actionlint() -> Path:
    """The one of the engine's tools, else of this machine, else built now."""
    state = find_state()
    if (state.bin / "actionlint").exists():
        return state.bin / "actionlint"
    if found := shutil.which("actionlint"):
        return Path(found)
    try:
        return ensure_program(state, ACTIONLINT, lambda: build_here(state))
    except EngineError as error:
        pytest.fail(
            f"actionlint is missing and cannot be built here ({error}): python -m tools.engine tools", pytrace=False
        )


def test_workflows__pass_actionlint(actionlint: Path) -> None:
    # shellcheck and pyflakes would be run only where they happen to be installed
    arguments: list[str | Path] = [actionlint, "-shellcheck=", "-pyflakes=", "-oneline", *WORKFLOWS]
    ran = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, f"\n{ran.stdout}{ran.stderr}"


@each_workflow
def test_workflow__actions_are_pinned(path: Path) -> None:
    for line in path.read_text().splitlines():
        if (found := re.search(r"uses: (\S+)(.*)", line)) and found[1] not in ("./", ACTION, REUSABLE):
            assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", found[1]), line
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", found[2]), line


def test_workflows__one_version_of_each_action() -> None:
    pins = {pin for path in WORKFLOWS for pin in re.findall(r"uses: (\S+@[0-9a-f]{40} # \S+)", path.read_text())}

    assert len({pin.partition("@")[0] for pin in pins}) == len(pins)


@each_workflow
def test_workflow__says_its_permissions(path: Path) -> None:
    workflow = read(path)
    for job in workflow["jobs"].values():
        assert "permissions" in workflow or "permissions" in job
        assert "write-all" not in (workflow.get("permissions"), job.get("permissions"))


@each_workflow
def test_workflow__no_code_of_strangers_with_our_rights(path: Path) -> None:
    # PyYAML reads the key `on` as true, as YAML 1.1 has it
    assert "pull_request_target" not in str(read(path)[True])


@each_workflow
def test_workflow__nothing_of_strangers_in_scripts(path: Path) -> None:
    """An expression in a script is pasted into it; what others can choose goes in through the environment."""
    for step in steps_of(read(path)):
        for expression in re.findall(r"\$\{\{\s*(.*?)\s*\}\}", step.get("run", "")):
            assert expression.startswith("matrix."), step["run"]


@each_workflow
def test_workflow__inputs_are_the_actions(path: Path) -> None:
    names = {option.name for option in OPTIONS}
    for step in steps_of(read(path)):
        if step.get("uses") in (ACTION, "./"):
            assert set(step.get("with", {})) <= names


@each_workflow
def test_workflow__pull_requests_get_their_comment(path: Path) -> None:
    workflow = read(path)
    for job in workflow["jobs"].values():
        if any(step.get("uses") in (ACTION, "./") for step in job.get("steps", ())):
            assert {**workflow.get("permissions", {}), **job.get("permissions", {})}["pull-requests"] == "write"


def test_reusable__caller_gives_what_is_asked_for() -> None:
    (called,) = (path for path in OWN if path.name == "build.yml")
    offered = read(called)[True]["workflow_call"]
    callers = [job for path in EXAMPLES for job in read(path)["jobs"].values() if job.get("uses") == REUSABLE]

    assert callers
    for job in callers:
        assert set(job["with"]) <= set(offered["inputs"])
        assert set(job["secrets"]) <= set(offered["secrets"])
        assert {name for name, each in offered["inputs"].items() if each.get("required")} <= set(job["with"])
        assert job["permissions"] == read(called)["jobs"]["image"]["permissions"]


def test_release__image_before_tag_and_no_cache() -> None:
    (release,) = (path for path in OWN if path.name == "release.yml")
    jobs = read(release)["jobs"]

    assert "image" in jobs["tag"]["needs"]
    assert not re.search(
        r"cache-from|cache-to|actions/cache|type=gha", (ROOT / ".github/workflows/release.yml").read_text()
    )


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def steps_of(workflow: Any) -> Iterator[Any]:
    for job in workflow["jobs"].values():
        yield from job.get("steps", ())
