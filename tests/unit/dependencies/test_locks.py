"""The locks that uv, Poetry, PDM and pipenv made of one project: what counts in them and what does not.

They were made in the folders below `locks` by `uv lock` (0.13) and `uv export --format pylock.toml --all-groups
--all-extras --no-emit-project`, `poetry lock` (2.5), `pdm lock -G:all` (2.29; once with `pdm config lock.format
pylock`) and `pipenv lock --categories "packages dev-packages docs"` (2026.10).
"""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.markers import Marker
from tests.unit.dependencies.project import read

from pycache_action.dependencies.difference import compare
from pycache_action.dependencies.model import DependencyFile, DependencySet, Selection
from pycache_action.dependencies.read import WantedFile

LOCKS = Path(__file__).parent / "locks"
ALL = ("uv/uv.lock", "uv/pylock.toml", "poetry/poetry.lock", "pdm/pdm.lock", "pdm/pylock.toml", "pipenv/Pipfile.lock")

NO_GROUPS = Selection(default_groups=False)
DOCS = Selection(groups=("docs",), default_groups=False)
WEB = Selection(extras=("web",), default_groups=False)


def read_lock(lock: str, selection: Selection = NO_GROUPS, *edits: tuple[str, str]) -> DependencySet:
    """Read one of the recorded locks, after replacing text that must be in it."""
    folder, name = lock.split("/")
    files: dict[str, str | bytes] = {
        path.name: path.read_text() for path in (LOCKS / folder).iterdir() if path.is_file()
    }
    for old, new in edits:
        place = next((one for one in (name, *files) if old in str(files[one])), None)
        assert place, old
        files[place] = str(files[place]).replace(old, new)
    return read(files, WantedFile(name, selection=selection))


def file(lock: str, selection: Selection = NO_GROUPS) -> DependencyFile:
    found = read_lock(lock, selection)
    assert not found.problems, str(found.problems[0])
    return found.files[0]


def names(lock: str, selection: Selection = NO_GROUPS) -> set[str]:
    return {one.name for one in file(lock, selection).requirements}


MAIN = {"anyio", "certifi", "click", "h11", "httpcore", "httpx", "idna", "socksio", "typing-extensions"}


@pytest.mark.parametrize("lock", ALL)
def test_read__the_projects_own_dependencies(lock: str) -> None:
    if lock == "uv/pylock.toml":  # an export holds what was exported, whoever asks
        assert names(lock) > MAIN
        return
    assert names(lock) - {"colorama", "exceptiongroup"} == MAIN


@pytest.mark.parametrize("lock", [lock for lock in ALL if lock != "uv/pylock.toml"])
def test_read__a_group(lock: str) -> None:
    assert names(lock, DOCS) - names(lock) == {"mergedeep"}
    assert names(lock, Selection(only=("docs",))) == {"mergedeep"}
    assert names(lock, Selection(groups=("docs",), main=False, default_groups=False)) == {"mergedeep"}
    assert names(lock, Selection(all_groups=True, without=("docs",))) == names(lock, Selection(all_groups=True)) - {
        "mergedeep"
    }
    assert names(lock, Selection(groups=("no-such-group",), default_groups=False)) == names(lock)


@pytest.mark.parametrize("lock", ["uv/uv.lock", "poetry/poetry.lock", "pdm/pdm.lock", "pdm/pylock.toml"])
def test_read__an_extra(lock: str) -> None:
    added = {"python-dateutil", "six", "tzdata"}
    assert names(lock, WEB) - names(lock) == added
    assert names(lock, Selection(all_extras=True, default_groups=False)) - names(lock) == added


@pytest.mark.parametrize("lock", ["pdm/pdm.lock", "pdm/pylock.toml"])
def test_read__pdm_asks_for_extras_by_group(lock: str) -> None:
    assert "python-dateutil" in names(lock, Selection(groups=("web",), default_groups=False))


@pytest.mark.parametrize(
    ("selection", "added"),
    [
        (Selection(groups=("docs",)), {"mergedeep"}),  # a group leaves the other groups away
        (Selection(groups=("web",)), {"python-dateutil", "six", "tzdata", "iniconfig", "packaging", "mergedeep"}),
        (Selection(without=("docs",)), {"python-dateutil", "six", "tzdata", "iniconfig", "packaging"}),
        (Selection(groups=("docs",), without=("docs",)), set()),
    ],
)
def test_read__groups_of_pdm(selection: Selection, added: set[str]) -> None:
    assert names("pdm/pdm.lock", selection) - names("pdm/pdm.lock") == added


@pytest.mark.parametrize(
    ("lock", "added"),
    [
        ("uv/uv.lock", {"iniconfig", "packaging"}),
        ("poetry/poetry.lock", {"iniconfig", "packaging"}),  # all groups but the optional one
        ("pdm/pdm.lock", {"iniconfig", "packaging", "mergedeep", "python-dateutil", "six", "tzdata"}),  # all there is
        ("pipenv/Pipfile.lock", set()),
    ],
)
def test_read__default_groups_are_those_of_the_tool(lock: str, added: set[str]) -> None:
    assert names(lock, Selection()) - names(lock) == added


def test_read__default_groups_of_uv_are_the_projects_choice() -> None:
    edit = ("[dependency-groups]", '[tool.uv]\ndefault-groups = ["docs"]\n\n[dependency-groups]')
    found = read_lock("uv/uv.lock", Selection(), edit)
    assert {one.name for one in found.files[0].requirements} - names("uv/uv.lock") == {"mergedeep"}


@pytest.mark.parametrize(
    ("lock", "selection"),
    [("pipenv/Pipfile.lock", Selection(groups=("dev",))), ("pipenv/Pipfile.lock", Selection(only=("dev-packages",)))],
)
def test_read__pipenv_calls_its_groups_by_several_names(lock: str, selection: Selection) -> None:
    assert "iniconfig" in names(lock, selection)


@pytest.mark.parametrize("lock", ["uv/uv.lock", "poetry/poetry.lock", "pdm/pdm.lock", "pipenv/Pipfile.lock"])
def test_read__direct_and_transitive(lock: str) -> None:
    assert {one.name for one in file(lock).requirements if one.direct} == {"httpx", "click"}


@pytest.mark.parametrize("lock", ALL)
def test_read__a_pin_holds_version_hashes_and_place(lock: str) -> None:
    (httpx,) = (one for one in file(lock).requirements if one.name == "httpx")
    assert httpx.version == "0.28.1"
    assert httpx.hashes == (
        "sha256:75e98c5f16b0f35b567856f597f06ff2270a374470a5c2392242528e3e3e42fc",
        "sha256:d909fcccc110f8c7faf814ca82a9a4d816bc5a6dbfea25d6591d6985b8ba59ad",
    )
    lines = (LOCKS / lock).read_text().splitlines()
    assert '"httpx"' in "".join(lines[httpx.source.line - 1 : httpx.source.line + 1])


@pytest.mark.parametrize(
    "lock", ["uv/uv.lock", "poetry/poetry.lock", "pdm/pdm.lock", "uv/pylock.toml", "pdm/pylock.toml"]
)
def test_read__the_condition_of_a_package_is_that_of_all_ways_to_it(lock: str) -> None:
    conditions = {one.name: one.marker for one in file(lock).requirements}
    for version, expected in (("3.9", True), ("3.10", True), ("3.11", False)):
        environment = {"python_version": version, "python_full_version": f"{version}.1"}
        assert Marker(conditions["exceptiongroup"]).evaluate(environment) is expected
    assert "win32" in conditions["colorama"] or "Windows" in conditions["colorama"]
    assert conditions["httpx"] == ""


WHEELS = {
    "uv": '    { url = "https://files.pythonhosted.org/packages/0/httpx-0.28.1-{tag}.whl", hash = "sha256:0", size = 1 },\n',
    "poetry": '    {file = "httpx-0.28.1-{tag}.whl", hash = "sha256:0"},\n',
    "pdm": '    {file = "httpx-0.28.1-{tag}.whl", hash = "sha256:0"},\n',
}
FIRST_LINE = {
    "uv": '    { url = "https://files.pythonhosted.org/packages/2a/39/',
    "poetry": '    {file = "httpx-0.28.1-py3',
    "pdm": '    {file = "httpx-0.28.1-py3',
}
SAME = {
    "uv/uv.lock": {
        "the project's version": ('name = "demo"\nversion = "1.0.0"', 'name = "demo"\nversion = "2.0.0"'),
        "revision": ("revision = 5", "revision = 6"),
        "no revision": ("revision = 5\n", ""),
        "comment": ("version = 1\n", "# by hand\nversion = 1\n"),
        "upload time": (', upload-time = "2026-01-06T11:45:19.497Z"', ""),
        "size": ("size = 113592", "size = 113593"),
        "the project's own metadata": (
            '{ name = "httpx", extras = ["socks"], specifier = ">=0.27" }',
            '{ name = "httpx", extras = ["socks"], specifier = ">=0.26" }',
        ),
        "a mirror of the same files": ("https://files.pythonhosted.org/packages/38/0e", "https://mirror.example/38/0e"),
        "resolution markers": ("    \"python_full_version == '3.10.*'\",\n", ""),
        "a group nobody asked for": ('name = "mergedeep"\nversion = "1.3.4"', 'name = "mergedeep"\nversion = "1.3.5"'),
        "another layout": ("dependencies = [", "dependencies  =  ["),
    },
    "poetry/poetry.lock": {
        "version of Poetry": ("generated by Poetry 2.5.1", "generated by Poetry 2.6.0"),
        "hash of the content": ('content-hash = "', 'content-hash = "1'),
        "format": ('lock-version = "2.1"', 'lock-version = "2.2"'),
        "description": ("Python package for providing", "A package for providing"),
        "groups": ('groups = ["main"]\n', ""),
        "Python versions": ('python-versions = ">=3.7"', 'python-versions = ">=3.6"'),
        "a group nobody asked for": ('name = "mergedeep"\nversion = "1.3.4"', 'name = "mergedeep"\nversion = "1.3.5"'),
        "an extra nobody asked for": (
            'name = "python-dateutil"\nversion = "3.0.0"',
            'name = "python-dateutil"\nversion = "3.0.1"',
        ),
        "extras of a package": ('test = ["pytest (>=6)"]\n', ""),
    },
    "pdm/pdm.lock": {
        "comment": ("by PDM.\n", "by another PDM.\n"),
        "hash of the content": ('content_hash = "sha256:3', 'content_hash = "sha256:4'),
        "format": ('lock_version = "4.5.1"', 'lock_version = "4.6.0"'),
        "summary": ("Python package for providing", "A package for providing"),
        "a group nobody asked for": ('name = "mergedeep"\nversion = "1.3.4"', 'name = "mergedeep"\nversion = "1.3.5"'),
    },
    "uv/pylock.toml": {
        "who made it": ('created-by = "uv"', 'created-by = "another"'),
        "a mirror": ("https://files.pythonhosted.org/packages/", "https://mirror.example/packages/"),
        "section of a tool": ('created-by = "uv"\n', 'created-by = "uv"\ntool.uv.x = 1\n'),
    },
    "pdm/pylock.toml": {
        "who made it": ('created-by = "pdm"', 'created-by = "another"'),
        "a group nobody asked for": (
            '"\\"docs\\" in dependency_groups"',
            '"\\"docs\\" in dependency_groups and python_version >= \\"3.9\\""',
        ),
    },
    "pipenv/Pipfile.lock": {
        "hash of the Pipfile": ('"sha256": "c', '"sha256": "d'),
        "Python": ('"python_version": "3.11"', '"python_version": "3.12"'),
        "indentation": ("\n    ", "\n  "),
        "a group nobody asked for": ('"version": "==1.3.4"', '"version": "==1.3.5"'),
    },
}
OTHER = {
    "uv/uv.lock": {
        "version": ('name = "httpx"\nversion = "0.28.1"', 'name = "httpx"\nversion = "0.28.2"'),
        "version of a transitive one": ('name = "idna"\nversion = "3.20"', 'name = "idna"\nversion = "3.21"'),
        "hash": ("sha256:75e98c5f", "sha256:85e98c5f"),
        "hash of a wheel": ("sha256:d909fccc", "sha256:e909fccc"),
        "marker": ('{ name = "colorama", marker = "sys_platform == \'win32\'" }', '{ name = "colorama" }'),
        "index": (
            'version = "0.28.1"\nsource = { registry = "https://pypi.org/simple" }',
            'version = "0.28.1"\nsource = { registry = "https://index.example/simple" }',
        ),
        "repository": (
            'version = "0.28.1"\nsource = { registry = "https://pypi.org/simple" }',
            'version = "0.28.1"\nsource = { git = "https://h/httpx?rev=main#0123" }',
        ),
        "extra": ('{ name = "httpx", extra = ["socks"] }', '{ name = "httpx" }'),
        "one package less": ('    { name = "h11" },\n', ""),
    },
    "poetry/poetry.lock": {
        "version": ('name = "httpx"\nversion = "0.28.1"', 'name = "httpx"\nversion = "0.28.2"'),
        "hash": ("sha256:75e98c5f", "sha256:85e98c5f"),
        "marker": ('colorama = {version = "*", markers = "platform_system == \\"Windows\\""}', 'colorama = "*"'),
        "index": ('url = "https://pypi.org/simple"', 'url = "https://index.example/simple"'),
        "extra": ("httpx[socks]", "httpx"),
        "one package less": ('h11 = ">=0.16"\n', ""),
    },
    "pdm/pdm.lock": {
        "version": ('name = "httpx"\nversion = "0.28.1"', 'name = "httpx"\nversion = "0.28.2"'),
        "hash": ("sha256:75e98c5f", "sha256:85e98c5f"),
        "marker": ('marker = "platform_system == \\"Windows\\""\n', ""),
        "group": ('groups = ["docs"]', 'groups = ["default", "docs"]'),
    },
    "uv/pylock.toml": {
        "version": ("1.3.4", "1.3.5"),
        "hash": ("75e98c5f", "85e98c5f"),
        "marker": ("marker = \"python_full_version < '3.11'\"\n", ""),
        "index": (
            'name = "httpx"\nversion = "0.28.1"\nindex = "https://pypi.org/simple"',
            'name = "httpx"\nversion = "0.28.1"\nindex = "https://index.example/simple"',
        ),
    },
    "pdm/pylock.toml": {
        "hash": ("75e98c5f", "85e98c5f"),
        "group": ('"\\"docs\\" in dependency_groups"', '"\\"default\\" in dependency_groups"'),
    },
    "pipenv/Pipfile.lock": {
        "version": ('"version": "==0.28.1"', '"version": "==0.28.2"'),
        "hash": ("sha256:75e98c5f", "sha256:85e98c5f"),
        "marker": ('"markers": "python_version >= \'3.6\'"', '"markers": "python_version >= \'3.12\'"'),
        "extra": ('"socks"', '"http2"'),
        "index": ('"url": "https://pypi.org/simple"', '"url": "https://index.example/simple"'),
    },
}


def cases(table: dict[str, dict[str, tuple[str, str]]]) -> list[object]:
    return [
        pytest.param(lock, edit, id=f"{lock}: {name}") for lock, edits in table.items() for name, edit in edits.items()
    ]


@pytest.mark.parametrize(("lock", "edit"), cases(SAME))
def test_meaning__same(lock: str, edit: tuple[str, str]) -> None:
    before, after = read_lock(lock), read_lock(lock, NO_GROUPS, edit)
    assert not after.problems, str(after.problems[0])
    assert before.files[0].digest != after.files[0].digest
    assert before.meaning() == after.meaning()
    difference = compare(before, after)
    assert difference.is_empty
    assert difference.rewritten == (lock.split("/")[1],)


@pytest.mark.parametrize(("lock", "edit"), cases(OTHER))
def test_meaning__other(lock: str, edit: tuple[str, str]) -> None:
    before, after = read_lock(lock), read_lock(lock, NO_GROUPS, edit)
    assert not after.problems, str(after.problems[0])
    assert before.meaning() != after.meaning()
    assert not compare(before, after).is_empty


@pytest.mark.parametrize("lock", ["uv/uv.lock", "poetry/poetry.lock", "pdm/pdm.lock"])
@pytest.mark.parametrize(
    ("tag", "same"),
    [
        ("cp311-cp311-macosx_11_0_arm64", True),
        ("cp311-cp311-win_amd64", True),
        ("cp313-cp313-ios_13_0_arm64_iphoneos", True),
        ("py3-none-any", False),
        ("cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64", False),
        ("cp311-cp311-musllinux_1_2_aarch64", False),
        ("py3-none-win_amd64.linux_x86_64", False),
    ],
)
def test_meaning__hash_added_for_another_system(lock: str, tag: str, *, same: bool) -> None:
    tool = lock.split("/")[0]
    after = read_lock(lock, NO_GROUPS, (FIRST_LINE[tool], WHEELS[tool].replace("{tag}", tag) + FIRST_LINE[tool]))
    assert not after.problems
    assert (read_lock(lock).meaning() == after.meaning()) is same


@pytest.mark.parametrize("lock", ["uv/uv.lock", "poetry/poetry.lock", "pdm/pdm.lock"])
def test_meaning__order_of_packages(lock: str) -> None:
    text = (LOCKS / lock).read_text()
    head, *packages = text.split("[[package]]\n")
    if lock == "poetry/poetry.lock":
        packages[-1], tail = packages[-1].split("[extras]\n")
        after = head + "".join(f"[[package]]\n{one}" for one in reversed(packages)) + "[extras]\n" + tail
    else:
        after = head + "".join(f"[[package]]\n{one}\n" for one in reversed(packages))
    assert read_lock(lock, NO_GROUPS, (text, after)).meaning() == read_lock(lock).meaning()


@pytest.mark.parametrize("lock", ["uv/uv.lock", "poetry/poetry.lock", "pdm/pdm.lock"])
def test_compare__upgraded_and_added(lock: str) -> None:
    before = read_lock(lock, WEB)
    after = read_lock(lock, DOCS, ('name = "idna"\nversion = "3.20"', 'name = "idna"\nversion = "3.21"'))
    difference = compare(before, after)
    assert [(one.name, one.direct) for one in difference.added] == [("mergedeep", True)]
    assert {(one.name, one.direct) for one in difference.removed} == {
        ("python-dateutil", True),
        ("six", False),
        ("tzdata", False),
    }
    (change,) = difference.changed
    assert (change.name, change.kind, change.direct) == ("idna", "upgraded", False)


@pytest.mark.parametrize(
    ("lock", "edit", "problem"),
    [
        ("uv/uv.lock", ("version = 1\n", "version = 9\n"), "uv.lock:1: expected version = 1, found '9'"),
        (
            "uv/uv.lock",
            ('name = "anyio"\nversion = "4.12.1"', 'name = \nversion = "4.12.1"'),
            "uv.lock:11: expected valid TOML (invalid value)",
        ),
        (
            "uv/uv.lock",
            ('name = "anyio"\nversion = "4.12.1"', 'name = 5\nversion = "4.12.1"'),
            "uv.lock:10: expected a string for name, found 'an integer'",
        ),
        ("uv/uv.lock", ("python_full_version < '3.15'", "python_full_version < "), "expected"),
        (
            "poetry/poetry.lock",
            ('version = "2026.10.18"\n', ""),
            "poetry.lock:55: expected a package with name and version, found 'certifi'",
        ),
        ("poetry/poetry.lock", ('h11 = ">=0.16"', 'h11 = "?"'), "a version constraint such as ^1.2"),
        ("poetry/poetry.lock", ("[project]\n", "[project\n"), "a pyproject.toml beside it that can be read (line 5)"),
        ("pdm/pdm.lock", ('name = "anyio"\n', ""), "pdm.lock:13: expected a package with a name"),
        ("pdm/pdm.lock", ('groups = ["docs"]', 'groups = "docs"'), "expected an array for groups, found 'a string'"),
        (
            "uv/pylock.toml",
            ('lock-version = "1.0"', 'lock-version = "7.0"'),
            "expected a pylock.toml as the specification has it",
        ),
        (
            "uv/pylock.toml",
            ('name = "mergedeep"', 'name = "Merge Deep"'),
            "pylock.toml:106: expected a pylock.toml as the specification has it at packages[13].name",
        ),
        ("pipenv/Pipfile.lock", ('"default": {', '"default": ['), "Pipfile.lock:19: expected valid JSON"),
        (
            "pipenv/Pipfile.lock",
            ('"version": "==0.28.1"', '"version": "0.28.1"'),
            "expected a version such as ==1.2 or *, found '0.28.1'",
        ),
    ],
)
def test_read__malformed(lock: str, edit: tuple[str, str], problem: str) -> None:
    found = read_lock(lock, NO_GROUPS, edit)
    assert problem in str(found.problems[0])
    assert found.files[0].requirements == ()
    assert found.meaning() != read_lock(lock).meaning()


def test_read__uv_lock_without_what_is_asked_for() -> None:
    found = read_lock("uv/uv.lock", Selection(packages=("none",)))
    assert str(found.problems[0]) == "uv.lock: expected a project to install (package none)"


def test_read__uv_lock_of_a_script() -> None:
    lock = (
        (LOCKS / "uv/uv.lock")
        .read_text()
        .replace(
            "[[package]]", '[manifest]\nrequirements = [{ name = "mergedeep", specifier = ">=1" }]\n\n[[package]]', 1
        )
    )
    lock = lock.replace('source = { editable = "." }', 'source = { registry = "https://pypi.org/simple" }')
    (script,) = read({"uv.lock": lock}, "uv.lock").files
    assert [(one.name, one.direct) for one in script.requirements] == [("mergedeep", True)]


@pytest.mark.parametrize("lock", ["poetry/poetry.lock", "pdm/pdm.lock", "pipenv/Pipfile.lock", "uv/uv.lock"])
def test_read__without_the_project_beside_it(lock: str) -> None:
    _folder, name = lock.split("/")
    found = read({name: (LOCKS / lock).read_text()}, WantedFile(name, selection=NO_GROUPS))
    assert not found.problems
    assert {one.name for one in found.files[0].requirements} == names(lock)
