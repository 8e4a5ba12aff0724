"""What the user can cause and only the user can mend: each error is a message, a hint and an exit code.

A fault of a cache is never one of these: it is a value (`cache.backend.Unavailable`) and the build goes on.

    PycacheError
    ├── InputError          2   an option has a value that cannot be used
    ├── BuilderUnavailable  3   no engine, no buildx, or one that is too old
    ├── BuildFailed         4   the build itself failed; the exit code is the build's where it has one
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


class BuildFailed(PycacheError):
    """The user's build failed; `exit_code` is buildx's own."""

    exit_code = 4
    title = "Build failed"

    def __init__(self, message: str, *, hint: str = "", exit_code: int = 4) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = exit_code


class CacheMissed(PycacheError):
    """The build is good, but an install step ran and the user asked to fail then."""

    exit_code = 5
    title = "Cache missed"
