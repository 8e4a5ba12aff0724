"""The project that is built: a copy of `examples/pip`, and what is done to it from run to run."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "pip"


@dataclass(frozen=True, slots=True)
class Edit:
    """A line added at the end of a file."""

    file: str
    line: str

    def apply(self, project: Path) -> None:
        with (project / self.file).open("a") as file:
            file.write(f"{self.line}\n")


COMMENT = Edit("requirements.txt", "# Ask the platform team before you add anything.")
PACKAGE = Edit("requirements.txt", "openpyxl==3.1.5")


def copy_example(folder: Path) -> None:
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
