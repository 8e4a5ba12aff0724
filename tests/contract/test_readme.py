"""What README, CHANGELOG and CONTRIBUTING say is what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tools.demo.figures import render_chart

from pycache_action import __version__, save
from pycache_action.buildx import spare, watchdog
from pycache_action.cache import preflight, store
from pycache_action.cache.naming import compute_scope
from pycache_action.causes import CauseId
from pycache_action.dependencies.read import WantedFile, read_dependencies
from pycache_action.errors import BuilderUnavailable, CacheMissed, InputError

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
DOCUMENTS = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    *(str(p.relative_to(ROOT)) for p in ROOT.glob("examples/*/*.md")),
)

each_document = pytest.mark.parametrize("name", DOCUMENTS)


@each_document
def test_document__what_it_links_to_is_there(name: str) -> None:
    text = (ROOT / name).read_text()
    for target in re.findall(r"\]\(([^)#]+)", text):
        if "://" not in target:
            assert (ROOT / name).parent.joinpath(target).exists(), target


@each_document
def test_document__make_targets_are_there(name: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^    |`)make ([a-z-]+)", (ROOT / name).read_text(), re.MULTILINE))

    assert named <= targets


def test_readme__first_screen_has_all_that_is_needed() -> None:
    first = "\n".join(README.splitlines()[:32])

    assert "uses: org/pycache-action@v1" in first
    assert "make demo" in first
    assert "make test" in first
    assert "pull-requests: write" in first


def test_readme__causes_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \|", section("Why an install step ran"), re.MULTILINE)

    assert rows == [cause.value for cause in CauseId]


def test_readme__scopes_are_computed_so() -> None:
    rows = [cells_of(line) for line in section("Scope, key and branch").splitlines() if line.startswith("| `ghcr.io/")]

    assert len(rows) == 5
    for image, dockerfile, target, platforms, scope in rows:
        names = tuple(platforms.split(",")) if platforms else ()
        assert (
            compute_scope(image=image, dockerfile=dockerfile or "Dockerfile", target=target, platforms=names) == scope
        )


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("django == 5.2.0  # the web", True),
        ("-r base.txt", True),
        ("django==5.2.1", False),
        ('django==5.2 ; python_version < "3.13"', False),
    ],
)
def test_readme__keys_are_compared_so(tmp_path: Path, other: str, same: bool) -> None:
    (tmp_path / "base.txt").write_text("django==5.2\n")

    assert f"`{other}`" in section("Scope, key and branch")
    assert (read_meaning(tmp_path, "Django==5.2\n") == read_meaning(tmp_path, f"{other}\n")) is same


def test_readme__a_file_that_cannot_be_read_counts_by_its_bytes(tmp_path: Path) -> None:
    assert read_meaning(tmp_path, "django==\n") != read_meaning(tmp_path, "django==\n# comment\n")


def read_meaning(folder: Path, text: str) -> str:
    (folder / "requirements.txt").write_text(text)
    return read_dependencies(folder, [WantedFile("requirements.txt")]).meaning()


def test_readme__time_bounds_are_those_of_the_code() -> None:
    bounds = section("When the cache is dead, silent or slow")

    assert row_of(bounds, "never answers").startswith(f"{preflight.ANSWER_SECONDS:.0f} s")
    assert row_of(bounds, "manifest is read").startswith(f"{store.FETCH_SECONDS:.0f} s")
    assert row_of(bounds, "index of the layers").startswith(f"{watchdog.IMPORT_SECONDS:.0f} s")
    assert row_of(bounds, "middle of a layer").startswith(f"{watchdog.STALL_SECONDS:.0f} s")
    assert f"slower than {watchdog.SLOWEST_PACE // 1000} kB/s" in bounds
    saving = row_of(bounds, "while the cache is saved")
    assert saving.startswith(f"{watchdog.QUIET_SECONDS:.0f} s of silence, then {save.PACE_SECONDS:.0f} s")
    assert f"within {spare.ANSWER_SECONDS:.0f} s" in bounds
    assert row_of(bounds, "takes very long").startswith(f"{watchdog.LONGEST_EXPORT_SECONDS / 60:.0f} min")


def test_readme__exit_codes_are_those_of_the_code() -> None:
    codes = section("Exit codes")

    assert "an input" in row_of(codes, f"{InputError.exit_code}")
    assert "no engine" in row_of(codes, f"{BuilderUnavailable.exit_code}")
    assert "fail-on-cache-miss" in row_of(codes, f"{CacheMissed.exit_code}")


def test_figures__are_drawn_from_what_was_measured() -> None:
    measured = json.loads((ROOT / "docs" / "figures.json").read_text())

    assert (ROOT / "docs" / "figures.svg").read_text() == render_chart(measured), "run: python -m tools.demo.figures"


def test_changelog__names_the_version() -> None:
    headings = re.findall(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert headings[0] == "Unreleased"
    assert headings[1] == __version__


def section(heading: str) -> str:
    _, found, rest = README.partition(f"## {heading}\n")
    assert found, f"README has no section {heading!r}"
    return re.split(r"^## ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def cells_of(line: str) -> list[str]:
    return [cell.strip(" `") for cell in line.strip().strip("|").split("|")]


def row_of(text: str, first_cell: str) -> str:
    """The second cell of the table row whose first one ends or goes on with these words."""
    rows = [cells_of(line) for line in text.splitlines() if line.startswith("| ")]
    (found,) = (second for first, second, *_ in rows if re.search(rf"(^|\D){re.escape(first_cell)}($|\D)", first))
    return found
