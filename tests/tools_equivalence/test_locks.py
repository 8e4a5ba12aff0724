"""Thirty locks of each tool: our packages are those that the tool lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.tools_equivalence.listings import assert_equal, parse_listing, read_listing
from tests.tools_equivalence.projects import Project, make_projects
from tests.tools_equivalence.tools import run

from pycache_action.dependencies.model import Selection

if TYPE_CHECKING:
    from pathlib import Path

PROJECTS = make_projects()
IDS = [f"project-{place}" for place in range(len(PROJECTS))]

UV = {
    (): Selection(),
    ("--no-default-groups",): Selection(default_groups=False),
    ("--no-dev", "--extra", "web"): Selection(without=("dev",), extras=("web",)),
    ("--all-extras", "--all-groups"): Selection(all_extras=True, all_groups=True),
    ("--only-group", "docs"): Selection(only=("docs",)),
}


@pytest.mark.parametrize("project", PROJECTS, ids=IDS)
def test_uv(project: Project, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(project.pyproject())
    run("uv", "uv", "lock", "--quiet", folder=tmp_path)
    for options, selection in UV.items():
        export = ("export", "--quiet", "--frozen", "--no-hashes", "--no-header", "--no-annotate", "--no-emit-project")
        theirs = parse_listing(run("uv", "uv", *export, *options, folder=tmp_path))
        assert_equal(read_listing(tmp_path, "uv.lock", selection), theirs)


@pytest.mark.parametrize("project", PROJECTS, ids=IDS)
def test_pylock(project: Project, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(project.pyproject())
    run("uv", "uv", "lock", "--quiet", folder=tmp_path)
    export = ("export", "--quiet", "--frozen", "--no-emit-project", "--all-extras", "--no-header", "--no-annotate")
    (tmp_path / "pylock.toml").write_text(run("uv", "uv", *export, "--format", "pylock.toml", folder=tmp_path))
    theirs = parse_listing(run("uv", "uv", *export, "--no-hashes", folder=tmp_path))
    assert_equal(read_listing(tmp_path, "pylock.toml", Selection()), theirs)


POETRY = {
    ("--without", "dev"): Selection(default_groups=False),
    ("--with", "dev"): Selection(),
    ("--with", "dev,docs", "--extras", "web"): Selection(groups=("docs",), extras=("web",)),
    ("--all-groups", "--all-extras"): Selection(all_groups=True, all_extras=True),
    ("--only", "docs"): Selection(only=("docs",)),
}
POETRY_TABLES = """
[tool.poetry]
package-mode = false

[tool.poetry.group.docs]
optional = true

[[tool.poetry.source]]
name = "index"
url = "https://pypi.org/simple"
priority = "primary"
"""


@pytest.mark.parametrize("project", PROJECTS, ids=IDS)
def test_poetry(project: Project, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(project.pyproject(more=POETRY_TABLES))
    run("poetry", "poetry", "lock", "--no-ansi", folder=tmp_path)
    for options, selection in POETRY.items():
        export = ("export", "--no-ansi", "--without-hashes", "--without-urls")
        theirs = parse_listing(run("poetry", "poetry", *export, *options, folder=tmp_path))
        assert_equal(read_listing(tmp_path, "poetry.lock", selection), theirs)


PDM = {
    ("--prod",): Selection(default_groups=False),
    (): Selection(),
    ("-G", "docs"): Selection(groups=("docs",)),
    ("-G", "web"): Selection(groups=("web",)),
    ("--prod", "-G", "cache"): Selection(groups=("cache",), default_groups=False),
    ("-G", ":all"): Selection(all_groups=True, all_extras=True),
    ("--no-default", "-G", "docs"): Selection(groups=("docs",), main=False),
    ("--without", "docs"): Selection(without=("docs",)),
}
# PDM resolves for all Python versions at once.
SIMPLE = make_projects(lines_per_version=False)


@pytest.mark.parametrize("project", SIMPLE, ids=IDS)
def test_pdm(project: Project, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(project.pyproject())
    run("pdm", "pdm", "lock", "--quiet", "-G", ":all", folder=tmp_path)
    for options, selection in PDM.items():
        export = ("export", "--format", "requirements", "--no-hashes", "--no-extras")
        theirs = parse_listing(run("pdm", "pdm", *export, *options, folder=tmp_path))
        assert_equal(read_listing(tmp_path, "pdm.lock", selection), theirs)


@pytest.mark.parametrize("project", SIMPLE[::6], ids=IDS[::6])
def test_pdm__lock_without_groups(project: Project, tmp_path: Path) -> None:
    """What older versions of PDM wrote: the same packages, followed from the project."""
    (tmp_path / "pyproject.toml").write_text(project.pyproject())
    run("pdm", "pdm", "lock", "--quiet", "-G", ":all", folder=tmp_path)
    listings = [read_listing(tmp_path, "pdm.lock", selection) for selection in PDM.values()]
    without = ("lock", "--quiet", "-G", ":all", "--update-reuse", "--strategy", "no_inherit_metadata")
    run("pdm", "pdm", *without, folder=tmp_path)
    assert "\ngroups = " not in (tmp_path / "pdm.lock").read_text().partition("[[package]]")[2]
    for listing, selection in zip(listings, PDM.values(), strict=True):
        again = read_listing(tmp_path, "pdm.lock", selection)
        # With groups, PDM writes one marker for all of them; without, each way has its own.
        assert again.keys() == listing.keys()
        if selection.all_groups:
            assert_equal(again, listing)


PIPENV = {
    (): Selection(),
    ("--dev",): Selection(groups=("dev",)),
    ("--categories", "docs"): Selection(only=("docs",)),
}


@pytest.mark.parametrize("project", SIMPLE, ids=IDS)
def test_pipenv(project: Project, tmp_path: Path) -> None:
    (tmp_path / "Pipfile").write_text(pipfile(project))
    run("pipenv", "pipenv", "lock", "--categories", "packages dev-packages docs", folder=tmp_path)
    for options, selection in PIPENV.items():
        theirs = parse_listing(run("pipenv", "pipenv", "requirements", *options, folder=tmp_path))
        assert_equal(read_listing(tmp_path, "Pipfile.lock", selection), theirs)


def pipfile(project: Project) -> str:
    source = '[[source]]\nname = "pypi"\nurl = "https://pypi.org/simple"\nverify_ssl = true\n'
    sections = {"packages": project.main + project.web, "dev-packages": project.dev, "docs": project.docs}
    return source + "".join(f"\n[{name}]\n{''.join(map(pipfile_line, texts))}" for name, texts in sections.items())


def pipfile_line(text: str) -> str:
    from packaging.requirements import Requirement

    requirement = Requirement(text)
    entry = [f'version = "{requirement.specifier or "*"}"']
    entry += [f"extras = {sorted(requirement.extras)}"] if requirement.extras else []
    entry += [f'markers = "{str(requirement.marker).replace(chr(34), chr(39))}"'] if requirement.marker else []
    return f'"{requirement.name}" = {{ {", ".join(entry)} }}\n'
