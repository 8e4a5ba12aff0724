"""The real tools, each in a virtual environment of its own."""

from __future__ import annotations

import os
import subprocess
import venv
from functools import cache
from pathlib import Path

HOME = Path(__file__).parents[2] / ".tools" / "equivalence"
PACKAGES = {
    "uv": ("uv>=0.9",),
    "pip": ("pip>=26",),
    "pip-tools": ("pip-tools>=7.5",),
    "poetry": ("poetry>=2.2", "poetry-plugin-export>=1.9"),
    "poetry-1": ("poetry==1.8.5",),
    "pdm": ("pdm[locked]>=2.26",),
    "pipenv": ("pipenv>=2025.0",),
}


@cache
def install(tool: str) -> Path:
    """Return the folder with the programs of a tool."""
    home = HOME / tool
    done = home / "installed"
    if not done.exists():
        venv.create(home, with_pip=True, clear=True)
        command = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--upgrade", *PACKAGES[tool]]
        subprocess.run(command, check=True, timeout=600)
        done.touch()
    return home / "bin"


def run(tool: str, program: str, *arguments: str, folder: Path) -> str:
    """Return what a program prints, run in `folder` without the settings of whoever runs the tests."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "POETRY_", "PDM_"))}
    environment |= {
        "HOME": str(HOME),
        "PIPENV_IGNORE_VIRTUALENVS": "1",
        "PIPENV_NOSPIN": "1",
        "PIPENV_VENV_IN_PROJECT": "1",
        "POETRY_VIRTUALENVS_IN_PROJECT": "true",
        "PDM_CHECK_UPDATE": "false",
        "NO_COLOR": "1",
    }
    environment.pop("VIRTUAL_ENV", None)
    done = subprocess.run(
        [install(tool) / program, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{program} {' '.join(arguments)}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout
