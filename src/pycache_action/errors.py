"""What the user can cause and only the user can mend: each error is a message, a hint and an exit code.

A fault of a cache is never one of these: it is a value (`cache.backend.Unavailable`) and the build goes on. Nor is a
build that fails: it is reported like any other, and its exit code is buildx's own.

    PycacheError
    ├── InputError          2   an option has a value that cannot be used
    ├── BuilderUnavailable  3   no engine, no buildx, or one that is too old
    └── CacheMissed         5   `fail-on-cache-miss` was asked for and an install step ran
"""

from __future__ import annotations

from typing import ClassVar


class PycacheError(Exception):
    """Ends the run with `exit_code`; shown as what happened (`message`) and what to do about it (`hint`)."""

    exit_code: int = 1
    title: ClassVar[str] = "pycache failed"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InputError(PycacheError):
    """An option, input or file named by one cannot be used."""

    exit_code = 2
    title = "Input not usable"


class BuilderUnavailable(PycacheError):
    """There is no Docker Engine or buildx to build with, or it is too old."""

    exit_code = 3
    title = "No builder"


class CacheMissed(PycacheError):
    """The build is good, but an install step ran and the user asked to fail then."""

    exit_code = 5
    title = "Cache missed"
