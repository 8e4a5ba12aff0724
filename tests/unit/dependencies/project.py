"""A build context made of texts, and short ways to read it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pycache_action.dependencies.read import WantedFile, read_dependencies

if TYPE_CHECKING:
    from pycache_action.dependencies.model import DependencyFile, DependencySet, Requirement


def write(root: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())


def read(files: dict[str, str | bytes], *wanted: WantedFile | str) -> DependencySet:
    """Read `wanted` (default: the first file) of a context that holds just these files."""
    names = wanted or (next(iter(files)),)
    with TemporaryDirectory() as folder:
        write(Path(folder), files)
        return read_dependencies(Path(folder), [WantedFile(one) if isinstance(one, str) else one for one in names])


def read_text(text: str | bytes) -> DependencyFile:
    """Read one requirements.txt that includes nothing."""
    (file,) = read({"requirements.txt": text}).files
    return file


def read_line(line: str) -> Requirement:
    file = read_text(line)
    assert not file.problem, str(file.problem)
    (requirement,) = file.requirements
    return requirement


def meaning(text: str | bytes) -> str:
    """Return the meaning of one requirements.txt, which must be understood."""
    found = read({"requirements.txt": text})
    assert not found.problems, str(found.problems[0])
    return found.meaning()
