"""Projects of several members, with conflicts, with repositories; and what keeps a key the same, by the tools."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.tools_equivalence.listings import assert_equal, parse_listing, read_listing
from tests.tools_equivalence.projects import make_projects
from tests.tools_equivalence.test_locks import POETRY_TABLES
from tests.tools_equivalence.tools import run

from pycache_action.dependencies.model import Selection
from pycache_action.dependencies.read import WantedFile, read_dependencies

if TYPE_CHECKING:
    from pathlib import Path

EXPORT = ("export", "--quiet", "--frozen", "--no-hashes", "--no-header", "--no-annotate", "--no-emit-project")
BUILD = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n\n'


def write(folder: Path, **files: str) -> None:
    for name, content in files.items():
        place = folder / name.replace("__", "/").replace("_toml", ".toml")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)


@pytest.mark.parametrize(
    ("options", "selection"),
    [
        ((), Selection()),
        (("--package", "api"), Selection(packages=("api",))),
        (("--package", "api"), Selection(packages=("./packages/api",))),
        (("--package", "worker", "--extra", "fast"), Selection(packages=("worker",), extras=("fast",))),
        (("--package", "core", "--no-default-groups"), Selection(packages=("core",), default_groups=False)),
        (("--all-packages",), Selection(all_packages=True)),
    ],
    ids=str,
)
def test_uv_workspace(options: tuple[str, ...], selection: Selection, tmp_path: Path) -> None:
    write(
        tmp_path,
        pyproject_toml='[project]\nname = "whole"\nversion = "1"\nrequires-python = ">=3.10"\ndependencies = ["attrs", "core"]\n'
        "[dependency-groups]\ndev = ['iniconfig']\n"
        '[tool.uv.workspace]\nmembers = ["packages/*"]\n[tool.uv.sources]\ncore = { workspace = true }\n',
        packages__api__pyproject_toml=BUILD
        + '[project]\nname = "api"\nversion = "1"\nrequires-python = ">=3.10"\ndependencies = ["click", "core"]\n'
        "[tool.uv.sources]\ncore = { workspace = true }\n",
        packages__worker__pyproject_toml=BUILD
        + '[project]\nname = "worker"\nversion = "1"\nrequires-python = ">=3.10"\ndependencies = ["core"]\n'
        "[project.optional-dependencies]\nfast = ['orjson']\n[tool.uv.sources]\ncore = { workspace = true }\n",
        packages__core__pyproject_toml=BUILD
        + '[project]\nname = "core"\nversion = "1"\nrequires-python = ">=3.10"\ndependencies = ["packaging"]\n'
        "[dependency-groups]\ndev = ['pluggy']\n",
    )
    run("uv", "uv", "lock", "--quiet", folder=tmp_path)
    theirs = parse_listing(run("uv", "uv", *EXPORT, *options, folder=tmp_path))
    ours = read_listing(tmp_path, "uv.lock", selection)
    if selection.all_packages:  # uv lists the members themselves, which are no dependencies then
        theirs = {name: marker for name, marker in theirs.items() if not name.startswith("-e ")}
    assert_equal(ours, theirs)


@pytest.mark.parametrize("extra", ["old", "new"])
def test_uv_conflicts(extra: str, tmp_path: Path) -> None:
    write(
        tmp_path,
        pyproject_toml='[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.10"\ndependencies = ["h11"]\n'
        '[project.optional-dependencies]\nold = ["httpx==0.27.0"]\nnew = ["httpx==0.28.1"]\n'
        '[tool.uv]\nconflicts = [[{ extra = "old" }, { extra = "new" }]]\n',
    )
    run("uv", "uv", "lock", "--quiet", folder=tmp_path)
    theirs = parse_listing(run("uv", "uv", *EXPORT, "--extra", extra, folder=tmp_path))
    assert_equal(read_listing(tmp_path, "uv.lock", Selection(extras=(extra,))), theirs)


def test_uv_repository_and_path(tmp_path: Path) -> None:
    library = tmp_path / "library"
    write(library, pyproject_toml=BUILD + '[project]\nname = "library"\nversion = "1"\n', library____init___py="")
    (library / "library").mkdir(exist_ok=True)
    (library / "library/__init__.py").touch()
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b")
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "a")):
        subprocess.run([*git, *command], cwd=library, check=True)
    project = tmp_path / "project"
    write(
        project,
        pyproject_toml='[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.10"\ndependencies = ["library", "local"]\n'
        f'[tool.uv.sources]\nlibrary = {{ git = "{library.as_uri()}" }}\nlocal = {{ path = "local", editable = true }}\n',
        local__pyproject_toml=BUILD + '[project]\nname = "local"\nversion = "1"\ndependencies = ["attrs"]\n',
    )
    run("uv", "uv", "lock", "--quiet", folder=project)
    theirs = parse_listing(run("uv", "uv", *EXPORT, folder=project))
    assert_equal(read_listing(project, "uv.lock", Selection()), theirs)


def key(folder: Path, file: str) -> str:
    found = read_dependencies(folder, [WantedFile(file), WantedFile("pyproject.toml")])
    assert not found.problems, str(found.problems[0])
    return found.meaning()


@pytest.mark.parametrize(
    ("tool", "lock", "command", "tables"),
    [
        ("uv", "uv.lock", ("lock", "--quiet"), ""),
        ("poetry", "poetry.lock", ("lock", "--no-ansi"), POETRY_TABLES),
        ("pdm", "pdm.lock", ("lock", "--quiet", "-G", ":all", "--update-reuse"), ""),
    ],
)
def test_key__version_of_the_project(
    tool: str, lock: str, command: tuple[str, ...], tables: str, tmp_path: Path
) -> None:
    text = make_projects()[0].pyproject(more=tables)
    write(tmp_path, pyproject_toml=text)
    run(tool, tool, *command, folder=tmp_path)
    before = key(tmp_path, lock)
    write(
        tmp_path,
        pyproject_toml=text.replace('version = "1.0"', 'version = "1.1"') + "\n[tool.ruff]\nline-length = 100\n",
    )
    run(tool, tool, *command, folder=tmp_path)
    assert key(tmp_path, lock) == before
    changed = text.replace("dependencies = [", 'dependencies = ["sniffio", ', 1)
    write(tmp_path, pyproject_toml=changed)
    run(tool, tool, *command, folder=tmp_path)
    assert key(tmp_path, lock) != before


def test_key__lock_rewritten_by_a_newer_poetry(tmp_path: Path) -> None:
    write(
        tmp_path,
        pyproject_toml='[tool.poetry]\nname = "demo"\nversion = "1"\ndescription = ""\nauthors = []\npackage-mode = false\n'
        '[tool.poetry.dependencies]\npython = ">=3.10,<3.15"\nFlask = { version = "^3.0", extras = ["async"] }\n'
        'httpx = { version = ">=0.27", extras = ["http2"] }\nredis = { version = "*", optional = true }\n'
        'tomli = { version = "*", python = "<3.11" }\n'
        '[tool.poetry.extras]\ncache = ["redis"]\n[tool.poetry.group.dev.dependencies]\npytest = "^8"\n'
        '[[tool.poetry.source]]\nname = "index"\nurl = "https://pypi.org/simple"\npriority = "primary"\n',
    )
    run("poetry-1", "poetry", "lock", "--no-ansi", folder=tmp_path)
    old, before = (tmp_path / "poetry.lock").read_text(), key(tmp_path, "poetry.lock")
    run("poetry", "poetry", "lock", "--no-ansi", folder=tmp_path)
    new = (tmp_path / "poetry.lock").read_text()
    assert 'lock-version = "2.0"' in old
    assert 'lock-version = "2.0"' not in new
    assert key(tmp_path, "poetry.lock") == before


def test_key__is_the_same_in_every_process(tmp_path: Path) -> None:
    """The order of a set differs from one process to the next; the key must not."""
    write(tmp_path, pyproject_toml=make_projects()[1].pyproject())
    run("uv", "uv", "lock", "--quiet", folder=tmp_path)
    program = (
        "import sys; from pathlib import Path; from pycache_action.dependencies.model import Selection;"
        "from pycache_action.dependencies.read import WantedFile, read_dependencies;"
        "selection = Selection(all_extras=True, all_groups=True);"
        "wanted = [WantedFile(name, selection=selection) for name in ('uv.lock', 'pyproject.toml')];"
        "print(read_dependencies(Path(sys.argv[1]), wanted).meaning())"
    )
    keys = set()
    for seed in range(5):
        environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
        done = subprocess.run(
            [sys.executable, "-c", program, tmp_path], env=environment, capture_output=True, text=True, check=True
        )
        keys.add(done.stdout)
    assert len(keys) == 1
