"""The bytes of one file of a build context, or why they were not read.

The files belong to a branch or a pull request: a link may point to this machine's own files, a name may be a pipe that
never ends, a file may be larger than the memory.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 40 * 1024 * 1024  # of a file whose content is wanted
MAX_HASHED_BYTES = 256 * 1024 * 1024
_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Content:
    """A file's bytes and their SHA-256."""

    data: bytes
    digest: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What was expected of the file, and its SHA-256 where the bytes could be read but are too many to understand."""

    expected: str
    digest: str = ""


def read_content(root: Path, path: str) -> Content | Unreadable:
    """Read the file `path` below the resolved folder `root`; symbolic links may lead to files below it only."""
    try:
        place = (root / path).resolve(strict=True)
        if not place.is_relative_to(root):
            return Unreadable("a file inside the build context")
        # Not blocking, because opening a pipe would wait for a writer.
        descriptor = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError:
        return Unreadable("a file that may be read")
    except (OSError, ValueError, RuntimeError):  # absent; a name with a null byte; links in a circle
        return Unreadable("an existing file")
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return Unreadable("a regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return _read_regular(file)
    except OSError:
        return Unreadable("a file that may be read")
    finally:
        os.close(descriptor)


def _read_regular(file: BinaryIO) -> Content | Unreadable:
    data = file.read(MAX_BYTES + 1)
    if len(data) <= MAX_BYTES:
        return Content(data, hashlib.sha256(data).hexdigest())
    digest = hashlib.sha256(data)
    hashed = len(data)
    while hashed < MAX_HASHED_BYTES and (block := file.read(_BLOCK)):
        digest.update(block)
        hashed += len(block)
    size = file.seek(0, os.SEEK_END)
    if size > hashed:  # the rest is told by its length alone
        digest.update(str(size).encode())
    return Unreadable(f"a file of at most {MAX_BYTES // 1024**2} MiB", digest.hexdigest())
