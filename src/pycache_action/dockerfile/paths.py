"""Paths and patterns as BuildKit, which is written in Go, understands them: always with slashes, never of this machine.

A path may begin or go on with `${NAME}`, a variable nobody here knows; it is then compared as it is.
"""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache


class PatternError(ValueError):
    """The pattern is malformed (Go's ErrBadPattern)."""


def clean(path: str) -> str:
    """Go's filepath.Clean: the shortest equal path, `.` if nothing is left."""
    tidy = posixpath.normpath(path) if path else "."
    return f"/{tidy.lstrip('/')}" if tidy.startswith("/") else tidy


def join(folder: str, path: str) -> str:
    """`path` seen from `folder`; an absolute path, or one that begins with an unknown variable, stands for itself."""
    if path.startswith(("/", "${")):
        return clean(path)
    return clean(f"{folder}/{path}")


def below(path: str, folder: str) -> str | None:
    """`path` relative to `folder` if it is in there or is the folder itself (`.`), else None."""
    if path == folder:
        return "."
    prefix = folder if folder.endswith("/") else f"{folder}/"
    return path[len(prefix) :] if path.startswith(prefix) else None


def in_context(path: str) -> str:
    """A source path of COPY as a path relative to the context: absolute ones and `..` cannot leave it."""
    return clean(f"/{path}").lstrip("/") or "."


def has_wildcard(pattern: str) -> bool:
    """Whether Go would treat the path as a pattern; a backslash hides the character after it."""
    return any(found.group() != "\\" for found in re.finditer(r"\\.|[*?\[]", pattern) if len(found.group()) == 1)


def unescape(pattern: str) -> str:
    """A path without wildcards, its backslashes taken away."""
    return re.sub(r"\\(.)", r"\1", pattern)


def matches(pattern: str, path: str) -> bool:
    """Go's filepath.Match: `*` and `?` stop at a slash, `[^a-z]` is a class, a backslash escapes. Raises PatternError.

    https://pkg.go.dev/path/filepath#Match
    """
    parts, names = pattern.split("/"), path.split("/")
    return len(parts) == len(names) and all(
        compile_part(part).fullmatch(name) is not None for part, name in zip(parts, names, strict=True)
    )


@lru_cache(maxsize=1024)
def compile_part(pattern: str) -> re.Pattern[str]:
    """One component of a filepath.Match pattern as a regular expression. Raises PatternError."""
    chunks: list[str] = [""]  # what stands between the stars
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "*":
            chunks.append("")
            at += 1
            continue
        if char == "?":
            piece, at = "[^/]", at + 1
        elif char == "[":
            piece, at = class_expression(pattern, at)
        else:
            at += char == "\\"
            if at >= len(pattern):
                raise PatternError(f"{pattern!r} ends in a backslash")
            piece, at = re.escape(pattern[at]), at + 1
        chunks[-1] += piece
    if len(chunks) == 1:
        return re.compile(chunks[0], re.DOTALL)
    # After its first match a star need not be tried again, so the search cannot take exponential time.
    middle = "".join(f"(?>[^/]*?{chunk})" for chunk in chunks[1:-1])
    return re.compile(f"{chunks[0]}{middle}[^/]*{chunks[-1]}", re.DOTALL)


def class_expression(pattern: str, start: int) -> tuple[str, int]:
    """The class (`[a-z]`, `[^a]`) that opens at `start` as a regular expression, and where it ends.

    Raises PatternError.
    """
    found = re.compile(r"\[(\^?+)((?:\\.|[^\\\]])+)\]", re.DOTALL).match(pattern, start)
    if found is None:
        raise PatternError(f"{pattern!r} has a [ without its ]")
    ranges = []
    for low, high in re.findall(r"(\\.|[^\\])(?:-(\\.|[^\\]))?", found.group(2), re.DOTALL):
        first, last = low[-1:], (high or low)[-1:]
        if low == "-":
            raise PatternError(f"{pattern!r} has a range without a beginning")
        if first <= last:
            ranges.append(f"{re.escape(first)}-{re.escape(last)}")
    if not ranges:
        return ("[^/]" if found.group(1) else "(?!)"), found.end()
    return f"[{found.group(1)}{''.join(ranges)}]", found.end()
