"""Thirty files of pip-compile and of uv, read by pip itself and by us."""

from __future__ import annotations

import json
import platform
from typing import TYPE_CHECKING

import pytest
from packaging.markers import default_environment
from packaging.utils import canonicalize_name
from tests.tools_equivalence.listings import installed, read_listing
from tests.tools_equivalence.projects import Project, make_projects
from tests.tools_equivalence.tools import run

from pycache_action.dependencies.model import Selection

if TYPE_CHECKING:
    from pathlib import Path

PROJECTS = make_projects()
IDS = [f"project-{place}" for place in range(len(PROJECTS))]


@pytest.mark.parametrize("project", PROJECTS, ids=IDS)
def test_pip(project: Project, tmp_path: Path) -> None:
    place = PROJECTS.index(project)
    (tmp_path / "base.in").write_text("".join(f"{one}\n" for one in project.main))
    (tmp_path / "all.in").write_text("-r base.in\n" + "".join(f"{one}  # why\n" for one in project.web + project.dev))
    hashes = ("--generate-hashes",) if place % 2 else ()
    if place % 3:
        run("pip-tools", "pip-compile", "--quiet", *hashes, "-o", "requirements.txt", "all.in", folder=tmp_path)
    else:
        version = platform.python_version()
        universal = ("--universal", "--python-version", version)
        compiled = ("pip", "compile", "--quiet", *universal, *hashes, "-o", "requirements.txt", "all.in")
        run("uv", "uv", *compiled, folder=tmp_path)
    ours = read_listing(tmp_path, "requirements.txt", Selection())
    environment = {**{name: str(value) for name, value in default_environment().items()}, "extra": ""}
    assert installed(ours, environment) == pip_listing(tmp_path)


def pip_listing(folder: Path) -> set[str]:
    """Return what pip would install of a file, in an empty environment."""
    arguments = ("install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps", "--report", "-")
    report = json.loads(run("pip", "pip", *arguments, "-r", "requirements.txt", folder=folder))
    return {f"{canonicalize_name(one['metadata']['name'])}=={one['metadata']['version']}" for one in report["install"]}
