from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from tests.unit.dependencies.project import read, write

from pycache_action.dependencies import content
from pycache_action.dependencies.model import DependencySet, Format, Selection
from pycache_action.dependencies.read import WantedFile, find_format, read_dependencies


def test_read__included_files_are_relative_to_the_including_one() -> None:
    found = read(
        {
            "requirements/dev.txt": "-r base.txt\n-c ../pins.txt\npytest\n",
            "requirements/base.txt": "flask\n",
            "pins.txt": "flask==1\n",
        }
    )
    assert [(file.path, file.role, [str(one) for one in file.requirements]) for file in found.files] == [
        ("requirements/dev.txt", "requirements", ["pytest"]),
        ("requirements/base.txt", "requirements", ["flask"]),
        ("pins.txt", "constraints", ["flask==1"]),
    ]
    assert {file.wanted_by for file in found.files} == {"requirements/dev.txt"}
    assert not found.problems


def test_meaning__moved_into_an_included_file_is_the_same() -> None:
    assert (
        read({"a.txt": "flask\ndjango\n"}).meaning()
        == read({"a.txt": "-r b.txt\nflask\n", "b.txt": "django\n"}).meaning()
    )


def test_meaning__a_constraint_is_no_requirement() -> None:
    assert (
        read({"a.txt": "-r b.txt\n", "b.txt": "django\n"}).meaning()
        != read({"a.txt": "-c b.txt\n", "b.txt": "django\n"}).meaning()
    )


def test_meaning__moved_to_another_wanted_file_is_another() -> None:
    wanted = ("a.txt", "b.txt")
    assert (
        read({"a.txt": "flask\ndjango\n", "b.txt": ""}, *wanted).meaning()
        != read({"a.txt": "flask\n", "b.txt": "django\n"}, *wanted).meaning()
    )


def test_meaning__order_of_wanted_files() -> None:
    files: dict[str, str | bytes] = {"a.txt": "flask\n", "b.txt": "django\n"}
    assert read(files, "a.txt", "b.txt").meaning() == read(files, "b.txt", "a.txt").meaning()


def test_meaning__place_of_an_include_among_index_options() -> None:
    inner = {"b.txt": "-i https://b/simple\n"}
    before = read({"a.txt": "-r b.txt\n-i https://a/simple\n", **inner})
    after = read({"a.txt": "-i https://a/simple\n-r b.txt\n", **inner})
    assert before.files[0].options == ("--index-url https://b/simple", "--index-url https://a/simple")
    assert before.meaning() != after.meaning()


def test_read__missing_included_file_is_a_fault_of_the_line_that_names_it() -> None:
    found = read({"a.txt": "flask\n-r gone.txt\n"})
    assert str(found.problems[0]) == "a.txt:2: expected an existing file, found 'gone.txt'"
    assert [str(one) for one in found.files[0].requirements] == ["flask"]


def test_read__missing_wanted_file() -> None:
    found = read({"a.txt": ""}, "gone.txt")
    assert str(found.problems[0]) == "gone.txt: expected an existing file"
    assert found.files[0].digest == ""


@pytest.mark.parametrize("path", ["../secret.txt", "/etc/passwd", "sub/../../secret.txt", "..", "~root/../../x"])
def test_read__include_outside_the_root_is_not_read(path: str, tmp_path: Path) -> None:
    write(tmp_path, {"secret.txt": "hunter2\n", "root/a.txt": f"-r {path}\n"})
    found = read_dependencies(tmp_path / "root", [WantedFile("a.txt")])
    assert len(found.problems) == 1
    assert "hunter2" not in str(found.to_json())


@pytest.mark.parametrize("path", ["../secret.txt", "/etc/passwd", "..", "", "."])
def test_read__wanted_file_outside_the_root_is_not_read(path: str, tmp_path: Path) -> None:
    write(tmp_path, {"secret.txt": "hunter2\n", "root/a.txt": ""})
    found = read_dependencies(tmp_path / "root", [WantedFile(path)])
    assert found.problems[0].expected == "a path inside the build context"
    assert "hunter2" not in str(found.to_json())
    assert type(found).from_json(found.to_json()) == found


def test_read__link_out_of_the_root_is_not_read(tmp_path: Path) -> None:
    write(tmp_path, {"secret.txt": "hunter2\n", "root/a.txt": "-r link.txt\n"})
    (tmp_path / "root/link.txt").symlink_to("../secret.txt")
    found = read_dependencies(tmp_path / "root", [WantedFile("a.txt")])
    assert "a file inside the build context" in str(found.problems[0])
    assert "hunter2" not in str(found.to_json())


def test_read__link_inside_the_root(tmp_path: Path) -> None:
    write(tmp_path, {"real/b.txt": "flask\n"})
    (tmp_path / "a.txt").symlink_to("real/b.txt")
    assert [one.name for one in read_dependencies(tmp_path, [WantedFile("a.txt")]).files[0].requirements] == ["flask"]


def test_read__root_that_is_a_link(tmp_path: Path) -> None:
    write(tmp_path, {"real/a.txt": "flask\n"})
    (tmp_path / "link").symlink_to("real")
    assert not read_dependencies(tmp_path / "link", [WantedFile("a.txt")]).problems


def test_read__links_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "a.txt").symlink_to("b.txt")
    (tmp_path / "b.txt").symlink_to("a.txt")
    assert read_dependencies(tmp_path, [WantedFile("a.txt")]).problems[0].expected == "an existing file"


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_read__neither_folder_nor_pipe(make: object, tmp_path: Path) -> None:
    make(tmp_path / "a.txt")  # type: ignore[operator]
    assert read_dependencies(tmp_path, [WantedFile("a.txt")]).problems[0].expected == "a regular file"


def test_read__file_that_includes_itself() -> None:
    found = read({"a.txt": "flask\n-r b.txt\n", "b.txt": "-r a.txt\n"})
    assert str(found.problems[0]) == "b.txt:1: expected a file that does not include itself, found 'a.txt'"


def test_read__file_included_twice_is_no_circle() -> None:
    found = read({"a.txt": "-r b.txt\n-r c.txt\n", "b.txt": "-r d.txt\n", "c.txt": "-r d.txt\n", "d.txt": "flask\n"})
    assert not found.problems
    assert [file.path for file in found.files] == ["a.txt", "b.txt", "d.txt", "c.txt"]


def test_read__includes_that_double_at_every_level_end() -> None:
    files: dict[str, str | bytes] = {f"{n}.txt": f"-r {n + 1}.txt\n-c {n + 1}.txt\n-r {n + 1}.txt\n" for n in range(25)}
    found = read({**files, "25.txt": "flask\n"})
    assert len(found.files) == 1 + 2 * 25


def test_read__includes_too_deep() -> None:
    found = read({f"{n}.txt": f"-r {n + 1}.txt\n" for n in range(60)})
    assert "30 deep" in found.problems[0].expected


def test_read__too_many_includes() -> None:
    found = read({"a.txt": "".join(f"-r gone{n}.txt\n" for n in range(300))})
    assert "at most 200 included files" in found.problems[0].expected


def test_read__too_many_requirements_in_all() -> None:
    found = read(
        {"a.txt": "".join(f"-r {n}.txt\n" for n in range(4)), **{f"{n}.txt": "a\n" * 19_000 for n in range(4)}}
    )
    assert [str(one) for one in found.problems] == [
        "2.txt: expected at most 50000 requirements in all files",
        "3.txt: expected at most 50000 requirements in all files",
    ]


def test_read__a_large_hostile_file_ends_soon(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"flask " + b" " * 50_000_000)
    begin = time.perf_counter()
    found = read_dependencies(tmp_path, [WantedFile("a.txt")])
    assert time.perf_counter() - begin < 2
    assert found.problems[0].expected == "a file of at most 40 MiB"
    assert len(found.files[0].digest) == 64


@pytest.mark.parametrize(
    "line",
    [
        "flask" + " " * 120_000 + "#",
        "#" * 120_000,
        "a " + "'" * 100_000,
        "a -C " + "\\a" * 60_000,
        "://" * 40_000,
        "a[" * 8000,
        "a" + ",<1" * 5000,
        "-" * 100_000,
    ],
)
def test_read__hostile_lines_end_soon(line: str) -> None:
    begin = time.perf_counter()
    read({"a.txt": f"{line}\n" * 20})
    assert time.perf_counter() - begin < 2


def test_digest__of_a_file_larger_than_what_is_hashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "MAX_BYTES", 10)
    monkeypatch.setattr(content, "MAX_HASHED_BYTES", 20)
    digests = set()
    for size in (11, 19, 30, 31):
        (tmp_path / "a.txt").write_bytes(b"a" * size)
        digests.add(read_dependencies(tmp_path, [WantedFile("a.txt")]).files[0].digest)
    assert len(digests) == 4


@pytest.mark.parametrize(
    ("path", "format"),
    [
        ("requirements.txt", Format.REQUIREMENTS),
        ("deps/dev.in", Format.REQUIREMENTS),
        ("requirements", Format.REQUIREMENTS),
        ("setup.py", Format.BYTES),
        ("setup.cfg", Format.BYTES),
        ("environment.yml", Format.BYTES),
    ],
)
def test_find_format(path: str, format: Format) -> None:
    assert find_format(path) is format


def test_read__what_is_not_understood_counts_by_its_bytes() -> None:
    before, after = read({"setup.py": "a = 1\n"}), read({"setup.py": "a = 2\n"})
    assert not before.problems
    assert not before.files[0].is_understood
    assert before.meaning() != after.meaning()


def test_read__names_from_a_dockerfile_may_be_anything() -> None:
    wanted = WantedFile("a\n\x1b[31m.txt", selection=Selection(extras=("x\0y",)))
    found = read({"a.txt": "flask\n"}, wanted, WantedFile("a.txt", selection=wanted.selection))
    assert DependencySet.from_json(found.to_json()) == found
    assert found.problems[0].expected == "a path inside the build context"
    assert [one.name for one in found.files[1].requirements] == ["flask"]


def test_read__control_characters_in_a_lock() -> None:
    lock = '{"default": {"a\\u001b[31m": {"version": "==1"}}}'
    (file,) = read({"Pipfile.lock": lock}, "Pipfile.lock").files
    assert str(file.problem) == "Pipfile.lock:1: expected names and places without control characters"
