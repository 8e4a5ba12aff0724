"""Image layers made of directories."""

from __future__ import annotations

import hashlib
import subprocess
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.engine.steps import EngineError

if TYPE_CHECKING:
    from pathlib import Path

GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class Layer:
    """A gzipped tar file; `digest` is of the file, `diff_id` of what it unpacks to."""

    path: Path
    digest: str
    diff_id: str


def write_layer(root: Path, path: Path) -> Layer:
    """Packs everything below `root` as it is, owners by number, in a stable order, fast rather than small."""
    packed, plain = hashlib.sha256(), hashlib.sha256()
    compressor = zlib.compressobj(level=1, wbits=GZIP)
    argv = ["tar", "--directory", str(root), "--numeric-owner", "--sort=name", "--xattrs", "--create", "."]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as tar, path.open("wb") as file:
        assert tar.stdout
        while chunk := tar.stdout.read(1 << 20):
            plain.update(chunk)
            written = compressor.compress(chunk)
            packed.update(written)
            file.write(written)
        written = compressor.flush()
        packed.update(written)
        file.write(written)
    if tar.returncode:
        raise EngineError(f"tar failed on {root} (exit code {tar.returncode})")
    return Layer(path, f"sha256:{packed.hexdigest()}", f"sha256:{plain.hexdigest()}")
