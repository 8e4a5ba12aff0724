"""How many packages an install step installed, as its own installer says."""

from __future__ import annotations

import re

# The last words of pip (`Successfully installed six-1.16.0 ...`), uv (`Installed 3 packages in 5ms`) and
# poetry, pdm (`Package operations: 3 installs, ...`, `3 to add, ...`).
_PIP = re.compile(r"^(?:\S* )*?Successfully installed (.+)$", re.MULTILINE)
_COUNTED = re.compile(r"\bInstalled (\d{1,6}) packages?\b|Package operations: (\d{1,6}) install|\b(\d{1,6}) to add\b")


def count_installed(log: str) -> int | None:
    """The number of packages, or None where the log does not tell."""
    named = sum(len(match[1].split()) for match in _PIP.finditer(log))
    counted = sum(int(next(filter(None, match.groups()))) for match in _COUNTED.finditer(log))
    return named + counted or None
