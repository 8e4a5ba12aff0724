from __future__ import annotations

import pytest
from tests.unit.dependencies.project import read

from pycache_action.dependencies.difference import compare
from pycache_action.dependencies.model import DependencyFile, Selection
from pycache_action.dependencies.read import WantedFile

PROJECT = """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "demo"
version = "1.0"
description = "Shows things."
requires-python = ">=3.9"
dependencies = [
  "flask>=2",
  "numpy; python_version < '3.13'",
]

[project.optional-dependencies]
web = ["uvicorn[standard]"]
all = ["demo[web]", "redis"]

[project.scripts]
demo = "demo:main"

[dependency-groups]
dev = ["pytest>=8", { include-group = "lint" }]
lint = ["ruff"]

[tool.ruff]
line-length = 100
"""

POETRY = """\
[tool.poetry]
name = "demo"
version = "1.0"

[tool.poetry.dependencies]
python = "^3.9"
flask = "^2.1"
numpy = [
  { version = "<2", python = "<3.10" },
  { version = ">=2", markers = "sys_platform == 'linux'", python = ">=3.10" },
]
redis = { version = "*", optional = true }
local = { path = "../local", develop = true }
remote = { git = "https://me:secret@h/remote.git", rev = "abc", subdirectory = "d", extras = ["x"] }
short = { git = "git@h:o/short.git" }
archive = { url = "https://h/archive.zip" }
private = { version = "1.0", source = "inner" }

[tool.poetry.extras]
cache = ["redis"]

[tool.poetry.dev-dependencies]
pytest = "~8"

[tool.poetry.group.docs]
optional = true

[tool.poetry.group.docs.dependencies]
mkdocs = "^1.5 || ^2"

[[tool.poetry.source]]
name = "inner"
url = "https://user:secret@index.example/simple/"
priority = "explicit"
"""

PIP = Selection(default_groups=False)


def read_project(text: str, selection: Selection = PIP, **others: str) -> DependencyFile:
    files: dict[str, str | bytes] = {"pyproject.toml": text}
    files |= {name.replace("__", "."): content for name, content in others.items()}
    return read(files, WantedFile("pyproject.toml", selection=selection)).files[0]


def shown(file: DependencyFile) -> set[str]:
    assert not file.problem, str(file.problem)
    return {str(one) for one in file.requirements}


def test_read__the_projects_own_dependencies() -> None:
    file = read_project(PROJECT)
    assert shown(file) == {"flask>=2", 'numpy ; python_version < "3.13"'}
    assert [one.source.line for one in file.requirements] == [11, 12]
    assert file.options == (
        "build-system.build-backend hatchling.build",
        "build-system.requires hatchling>=1.27",
        "requires-python >=3.9",
    )


@pytest.mark.parametrize(
    ("selection", "added"),
    [
        (Selection(extras=("web",), default_groups=False), {"uvicorn[standard]"}),
        (Selection(extras=("All",), default_groups=False), {"uvicorn[standard]", "redis"}),
        (Selection(all_extras=True, default_groups=False), {"uvicorn[standard]", "redis"}),
        (Selection(groups=("dev",), default_groups=False), {"pytest>=8", "ruff"}),
        (Selection(groups=("lint",), default_groups=False), {"ruff"}),
        (Selection(), set()),
    ],
)
def test_read__extras_and_groups(selection: Selection, added: set[str]) -> None:
    assert shown(read_project(PROJECT, selection)) - shown(read_project(PROJECT)) == added


def test_read__a_group_alone() -> None:
    assert shown(read_project(PROJECT, Selection(groups=("lint",), main=False, default_groups=False))) == {"ruff"}
    assert shown(read_project(PROJECT, Selection(only=("lint",)))) == {"ruff"}


@pytest.mark.parametrize(
    ("addition", "lock", "added"),
    [
        ("[tool.uv]\n", "", {"pytest>=8", "ruff"}),
        ('[tool.uv]\ndefault-groups = ["lint"]\n', "", {"ruff"}),
        ('[tool.uv]\ndefault-groups = "all"\n', "", {"pytest>=8", "ruff"}),
        ("", "uv.lock", {"pytest>=8", "ruff"}),
        ("", "pdm.lock", {"pytest>=8", "ruff", "uvicorn[standard]", "redis"}),
        ("[tool.poetry.group.dev]\noptional = true\n", "", {"ruff"}),
    ],
)
def test_read__default_groups_of_each_tool(addition: str, lock: str, added: set[str]) -> None:
    others = {lock.replace(".", "__"): ""} if lock else {}
    file = read_project(PROJECT + addition, Selection(), **others)
    assert shown(file) - shown(read_project(PROJECT)) == added


SAME = {
    "version": ('version = "1.0"', 'version = "2.0"'),
    "description": ("Shows things.", "Shows other things."),
    "section of another tool": ("line-length = 100", "line-length = 120"),
    "new section": ("[tool.ruff]", "[tool.mypy]\nstrict = true\n\n[tool.ruff]"),
    "script": ('demo = "demo:main"', 'demo = "demo:run"'),
    "comment": ('  "flask>=2",', '  # web\n  "flask>=2",  # yes'),
    "order": (
        '  "flask>=2",\n  "numpy; python_version < \'3.13\'",',
        '  "numpy; python_version < \'3.13\'",\n  "flask>=2",',
    ),
    "spelling": ('"flask>=2"', '"Flask >= 2.0"'),
    "quotes": ("\"numpy; python_version < '3.13'\"", "'numpy; python_version < \"3.13\"'"),
    "extra nobody asked for": ('"uvicorn[standard]"', '"uvicorn"'),
    "group nobody asked for": ('"pytest>=8"', '"pytest>=9"'),
    "spelling of the build's requirement": ("hatchling>=1.27", "Hatchling >= 1.27"),
    "line ends": ("\n", "\r\n"),
}
OTHER = {
    "requirement": ('"flask>=2"', '"flask>=3"'),
    "marker": ("< '3.13'", "< '3.14'"),
    "one less": ('  "flask>=2",\n', ""),
    "what builds it": ("hatchling>=1.27", "hatchling>=1.28"),
    "how it is built": ("hatchling.build", "other.build"),
    "Python": (">=3.9", ">=3.10"),
    "source": ("[tool.ruff]", '[tool.uv.sources]\nflask = { git = "https://h/flask" }\n\n[tool.ruff]'),
    "index": ("[tool.ruff]", '[[tool.uv.index]]\nurl = "https://h/simple"\n\n[tool.ruff]'),
    "constraint": ("[tool.ruff]", '[tool.uv]\nconstraint-dependencies = ["jinja2<3"]\n\n[tool.ruff]'),
}


@pytest.mark.parametrize("edit", SAME.values(), ids=SAME)
def test_meaning__same(edit: tuple[str, str]) -> None:
    assert edit[0] in PROJECT
    before, after = (
        read({"pyproject.toml": text}, WantedFile("pyproject.toml", selection=PIP))
        for text in (PROJECT, PROJECT.replace(*edit))
    )
    assert before.meaning() == after.meaning()
    assert compare(before, after).rewritten == ("pyproject.toml",)


@pytest.mark.parametrize("edit", OTHER.values(), ids=OTHER)
def test_meaning__other(edit: tuple[str, str]) -> None:
    assert edit[0] in PROJECT
    before, after = (
        read({"pyproject.toml": text}, WantedFile("pyproject.toml", selection=PIP))
        for text in (PROJECT, PROJECT.replace(*edit))
    )
    assert not after.problems
    assert before.meaning() != after.meaning()


def test_read__sources_of_uv() -> None:
    sources = """
[tool.uv.sources]
flask = [
  { index = "cpu", marker = "sys_platform == 'linux'" },
  { git = "https://u:secret@h/flask", tag = "v3", subdirectory = "s", marker = "sys_platform != 'linux'" },
]
numpy = { path = "../numpy", editable = true }
ruff = { url = "https://h/ruff.zip", group = "lint" }
uvicorn = { workspace = true, extra = "web" }

[[tool.uv.index]]
name = "cpu"
url = "https://u:secret@index.example/cpu"
explicit = true

[[tool.uv.index]]
name = "main"
url = "https://index.example/main"
default = true
"""
    file = read_project(PROJECT + sources, Selection(all_extras=True, groups=("dev",), default_groups=False))
    assert shown(file) == {
        "flask>=2",
        'flask>=2 ; sys_platform == "linux"',
        'flask>=2 @ git+https://h/flask@v3#subdirectory=s ; sys_platform != "linux"',
        '-e numpy @ ../numpy ; python_version < "3.13"',
        "uvicorn[standard]",
        "redis",
        "pytest>=8",
        "ruff @ https://h/ruff.zip",
    }
    by_index = {one.index for one in file.requirements}
    assert by_index == {"", "https://index.example/cpu"}
    assert "--index-url https://index.example/main" in file.options
    assert "secret" not in str(file.to_json())


def test_read__poetry() -> None:
    file = read_project(POETRY)
    assert shown(file) == {
        "flask<3.0,>=2.1",
        'numpy<2 ; python_full_version < "3.10"',
        'numpy>=2 ; python_full_version >= "3.10" and sys_platform == "linux"',
        "-e local @ ../local",
        "remote[x] @ git+https://h/remote.git@abc#subdirectory=d",
        "short @ git+ssh://git@h/o/short.git",
        "archive @ https://h/archive.zip",
        "private==1.0",
    }
    assert {one.index for one in file.requirements} == {"", "https://index.example/simple"}
    assert "requires-python ^3.9" in file.options
    assert "secret" not in str(file.to_json())


@pytest.mark.parametrize(
    ("selection", "added"),
    [
        (Selection(), {"pytest<9,>=8"}),
        (Selection(groups=("docs",), default_groups=False), {"mkdocs<2.0,>=1.5", "mkdocs<3,>=2"}),
        (Selection(extras=("cache",), default_groups=False), {"redis"}),
        (Selection(all_groups=True, without=("dev",)), {"mkdocs<2.0,>=1.5", "mkdocs<3,>=2"}),
    ],
)
def test_read__groups_and_extras_of_poetry(selection: Selection, added: set[str]) -> None:
    assert shown(read_project(POETRY, selection)) - shown(read_project(POETRY)) == added


def test_read__only_main_of_poetry() -> None:
    assert shown(read_project(POETRY, Selection(only=("main",)))) == shown(read_project(POETRY))
    assert shown(read_project(POETRY, Selection(only=("dev",)))) == {"pytest<9,>=8"}


def test_read__pdm() -> None:
    text = PROJECT + '[tool.pdm.dev-dependencies]\ntest = ["coverage", "-e file:///${PROJECT_ROOT}/sub#egg=sub"]\n'
    assert shown(read_project(text, Selection(groups=("test", "web"), default_groups=False))) - shown(
        read_project(PROJECT)
    ) == {
        "coverage",
        "-e sub @ file:///${PROJECT_ROOT}/sub",
        "uvicorn[standard]",
    }


DYNAMIC = '[project]\nname = "demo"\ndynamic = ["version", "dependencies", "optional-dependencies"]\n'


def test_read__dependencies_that_setuptools_takes_from_files() -> None:
    text = (
        DYNAMIC
        + '[tool.setuptools.dynamic]\ndependencies = { file = ["base.txt"] }\noptional-dependencies.web = { file = "web.txt" }\noptional-dependencies.db = { file = "db.txt" }\n'
    )
    files: dict[str, str | bytes] = {"pyproject.toml": text, "base.txt": "flask\n", "web.txt": "uvicorn\n"}
    found = read(files, WantedFile("pyproject.toml", selection=Selection(extras=("web",), default_groups=False)))
    assert [file.path for file in found.files] == ["pyproject.toml", "base.txt", "web.txt"]
    assert not found.problems


def test_read__dependencies_that_stand_elsewhere_count_by_bytes() -> None:
    found = read({"pyproject.toml": DYNAMIC, "setup.py": "setup()"}, "pyproject.toml")
    assert [(file.path, file.is_understood) for file in found.files] == [("pyproject.toml", True), ("setup.py", False)]
    found = read({"pyproject.toml": "[build-system]\nrequires = []\n", "setup.cfg": "[options]"}, "pyproject.toml")
    assert [file.path for file in found.files] == ["pyproject.toml", "setup.cfg"]


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (
            ('"flask>=2"', '"flask=>2"'),
            "pyproject.toml:11: expected semicolon (after name with no version specifier) or end, found 'flask=>2'",
        ),
        (
            ("dependencies = [", "dependencies = "),
            "pyproject.toml:10: expected valid TOML (invalid value), found 'dependencies ='",
        ),
        (
            ("dependencies = [\n", "dependencies = [ 5,\n"),
            "expected a string for each of project.dependencies, found 'an integer'",
        ),
        (("[project.optional-dependencies]", "[project.other]"), "expected"),
        (("hatchling>=1.27", "hatchling>>1"), "pyproject.toml:2: expected"),
        (
            ('include-group = "lint"', 'include-group = "none"'),
            "pyproject.toml:23: expected the name of a dependency group, found 'none'",
        ),
        (
            ('lint = ["ruff"]', 'lint = [{ include-group = "dev" }]'),
            "expected groups that do not include one another in a circle",
        ),
        (
            ('lint = ["ruff"]', 'lint = [{ other = "dev" }]'),
            "expected requirements or include-group in the group lint, found 'a table'",
        ),
        (('lint = ["ruff"]', 'Dev = ["ruff"]'), "expected each dependency group once, found 'Dev'"),
    ],
)
def test_read__malformed(edit: tuple[str, str], problem: str) -> None:
    assert edit[0] in PROJECT
    if edit[0] == "[project.optional-dependencies]":
        edit = (edit[0], "[project.optional-dependencies]\nbad = 5")
    file = read_project(PROJECT.replace(*edit), Selection(all_extras=True, groups=("dev",), default_groups=False))
    assert file.problem
    assert problem in str(file.problem)
    assert file.requirements == ()


def test_read__malformed_where_nobody_looks_is_no_problem() -> None:
    assert not read_project(PROJECT.replace('"pytest>=8"', '"pytest=>8"')).problem


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe[",
        b"\x00",
        b"a = 1\na = 2",
        b"[" * 5000,
        b"a." * 5000 + b"a = 1",
        b"a = " + b"[" * 50_000,
        b"a = " + b"9" * 5000,
    ],
)
def test_read__hostile(content: bytes) -> None:
    (file,) = read({"pyproject.toml": content}, "pyproject.toml").files
    assert file.problem


PIPFILE = """\
[[source]]
name = "pypi"
url = "https://pypi.org/simple"

[[source]]
name = "inner"
url = "https://u:secret@index.example/simple"

[packages]
Flask = ">=2"
requests = { version = "*", extras = ["socks"], index = "inner" }
colorama = { version = "*", sys_platform = "== 'win32'", markers = "python_version > '3'" }
local = { path = ".", editable = true }
remote = { git = "https://u:secret@h/remote.git", ref = "v1", subdirectory = "d" }
archive = { file = "https://h/archive.zip" }

[dev-packages]
pytest = "*"

[docs]
mkdocs = "==1.5"

[scripts]
run = "flask run"
"""


def test_read__pipfile() -> None:
    found = read({"Pipfile": PIPFILE}, "Pipfile").files[0]
    assert shown(found) == {
        "flask>=2",
        "requests[socks]",
        'colorama ; python_version > "3" and sys_platform == "win32"',
        "-e local @ .",
        "remote @ git+https://h/remote.git@v1#subdirectory=d",
        "archive @ https://h/archive.zip",
    }
    assert found.options == ("--index-url https://pypi.org/simple", "--extra-index-url https://index.example/simple")
    assert "secret" not in str(found.to_json())


@pytest.mark.parametrize(
    ("selection", "names"),
    [
        (Selection(groups=("dev",), main=False), {"pytest"}),
        (Selection(only=("dev-packages", "docs")), {"pytest", "mkdocs==1.5"}),
        (Selection(all_groups=True, main=False), {"pytest", "mkdocs==1.5"}),
    ],
)
def test_read__pipfile_categories(selection: Selection, names: set[str]) -> None:
    assert shown(read({"Pipfile": PIPFILE}, WantedFile("Pipfile", selection=selection)).files[0]) == names


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (('Flask = ">=2"', 'Flask = "2"'), "Pipfile:10: expected a version such as ==1.2 or *, found '2'"),
        (('Flask = ">=2"', "Flask = 2"), "Pipfile:10: expected a table for Flask, found 'an integer'"),
        (("\"== 'win32'\"", '"win32"'), "expected"),
    ],
)
def test_read__pipfile_malformed(edit: tuple[str, str], problem: str) -> None:
    (found,) = read({"Pipfile": PIPFILE.replace(*edit)}, "Pipfile").files
    assert problem in str(found.problem)
