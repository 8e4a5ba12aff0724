"""What a format raises where a file is not what it should be."""

from __future__ import annotations

from pycache_action.dependencies.locations import redacted
from pycache_action.dependencies.model import Problem


class MalformedError(ValueError):
    """What was `expected`, what is `seen` instead, and on which line where that is known (else 0)."""

    def __init__(self, expected: str, seen: str = "", line: int = 0) -> None:
        super().__init__(f"expected {expected}")
        self.expected = expected
        self.seen = seen
        self.line = line

    def problem(self, file: str) -> Problem:
        """Return what is to be told of the file: short, printable, and without passwords."""
        return Problem(file=file, line=self.line, expected=redacted(self.expected, limit=300), seen=redacted(self.seen))


def expectation(error: Exception, otherwise: str) -> str:
    """Return what the parser of `packaging` says it expected, in the words of a message of ours."""
    said = str(error).splitlines()[0] if str(error) else ""
    return said.removeprefix("Expected ") if said.startswith("Expected ") and len(said) < 200 else otherwise
