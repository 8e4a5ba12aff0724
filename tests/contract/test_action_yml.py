"""action.yml, README.md and the declaration of the inputs say the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from tools import tables

from pycache_action.inputs import OPTIONS, Inputs
from pycache_action.outputs import OUTPUTS
from pycache_action.settings import Kind

ROOT = Path(__file__).parents[2]

# https://github.com/docker/build-push-action/blob/v7.3.0/action.yml
BUILD_PUSH_ACTION_INPUTS = [
    "add-hosts",
    "allow",
    "annotations",
    "attests",
    "build-args",
    "build-contexts",
    "builder",
    "cache-from",
    "cache-to",
    "call",
    "cgroup-parent",
    "context",
    "file",
    "labels",
    "load",
    "network",
    "no-cache",
    "no-cache-filters",
    "outputs",
    "platforms",
    "provenance",
    "pull",
    "push",
    "sbom",
    "secrets",
    "secret-envs",
    "secret-files",
    "shm-size",
    "ssh",
    "tags",
    "target",
    "ulimit",
    "github-token",
]
BUILD_PUSH_ACTION_OUTPUTS = ("imageid", "digest", "metadata")


@pytest.fixture(scope="module")
def action() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    return loaded


def test_inputs__are_those_of_the_code(action: dict[str, Any]) -> None:
    assert list(action["inputs"]) == [declared.name for declared in OPTIONS]


def test_inputs__descriptions_are_those_of_the_code(action: dict[str, Any]) -> None:
    described = {name: entry["description"] for name, entry in action["inputs"].items()}

    assert described == {declared.name: declared.description for declared in OPTIONS}


def test_inputs__an_empty_variable_means_not_given(action: dict[str, Any]) -> None:
    defaults = {name: entry["default"] for name, entry in action["inputs"].items() if "default" in entry}

    assert defaults == {"github-token": "${{ github.token }}"}


def test_inputs__defaults_told_are_the_defaults() -> None:
    inputs = Inputs()
    for declared in OPTIONS:
        value = getattr(inputs, declared.field)
        shown = str(value).lower() if declared.kind is Kind.BOOLEAN else value
        assert shown == (declared.default or ((), "")[isinstance(value, str)])


def test_inputs__all_of_build_push_action(action: dict[str, Any]) -> None:
    assert len(BUILD_PUSH_ACTION_INPUTS) == 33
    assert set(BUILD_PUSH_ACTION_INPUTS) <= set(action["inputs"])


@pytest.mark.parametrize("declared", OPTIONS, ids=lambda declared: declared.name)
def test_inputs__help_is_sentences(declared: Any) -> None:
    assert declared.help[0].isupper()
    assert declared.help.endswith(".")
    assert "  " not in declared.help


def test_outputs__are_those_of_the_code(action: dict[str, Any]) -> None:
    assert {name: entry["description"] for name, entry in action["outputs"].items()} == dict(OUTPUTS)
    assert set(BUILD_PUSH_ACTION_OUTPUTS) <= set(OUTPUTS)


def test_action__fits_the_marketplace(action: dict[str, Any]) -> None:
    assert len(action["description"]) <= 125
    assert set(action["branding"]) == {"icon", "color"}


def test_action__runs_in_a_container(action: dict[str, Any]) -> None:
    assert action["runs"]["using"] == "docker"
    assert action["runs"]["image"] == "Dockerfile" or action["runs"]["image"].startswith("docker://")


def test_readme__tables_are_as_declared() -> None:
    text = (ROOT / "README.md").read_text("utf-8")

    assert tables.update_readme(text) == text, "run: python -m tools.tables --write"


def test_readme__tables_are_tables() -> None:
    for line in tables.render_input_tables().splitlines():
        if line.startswith("|"):
            assert line.replace("\\|", "").count("|") == 5


def test_tables__check_finds_a_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = (ROOT / "action.yml").read_text("utf-8").replace("Names of the image", "Names")
    (tmp_path / "action.yml").write_text(changed)
    (tmp_path / "README.md").write_text((ROOT / "README.md").read_text("utf-8"))
    monkeypatch.setattr(tables, "ACTION", tmp_path / "action.yml")
    monkeypatch.setattr(tables, "README", tmp_path / "README.md")

    assert tables.main(["--check"]) == 1
    assert "Not as declared: action.yml" in capsys.readouterr().err
    assert tables.main(["--write"]) == 0
    assert tables.main(["--check"]) == 0
    assert (tmp_path / "action.yml").read_text("utf-8") == (ROOT / "action.yml").read_text("utf-8")


def test_update_readme__without_markers() -> None:
    with pytest.raises(ValueError, match="lacks the markers"):
        tables.update_readme("# title\n")
