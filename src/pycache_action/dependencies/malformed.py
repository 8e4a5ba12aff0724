"""What a format raises where a file is not what it should be."""

from __future__ import annotations


class MalformedError(ValueError):
    """What was `expected`, what is `seen` instead, and on which line where that is known (else 0)."""

    def __init__(self, expected: str, seen: str = "", line: int = 0) -> None:
        super().__init__(f"expected {expected}")
        self.expected = expected
        self.seen = seen
        self.line = line


def expectation(error: Exception, otherwise: str) -> str:
    """Return what the parser of `packaging` says it expected, in the words of a message of ours."""
    said = str(error).splitlines()[0] if str(error) else ""
    return said.removeprefix("Expected ") if said.startswith("Expected ") and len(said) < 200 else otherwise
