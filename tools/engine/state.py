"""Where the engine's things are kept, and what is remembered from one run to the next.

Two places. The *state* (`.state/engine` below the project, or `PYCACHE_ENGINE_STATE`) holds all files and outlives
everything. The *run directory* (`/run/pycache-<hash of the state's path>`) holds sockets and pid files: a socket's path
has at most 107 characters, and `/run` is empty after a reboot, as it should be. Two checkouts never share either.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Settings:
    """What was chosen once for this state; 0 and "" mean not chosen yet.

    `network` is the first two numbers of a /16 network, for example "172.24".
    """

    registry_port: int = 0
    network: str = ""

    @property
    def registry(self) -> str:
        """Our registry as the machine and its engines name it."""
        return f"localhost:{self.registry_port}"

    @property
    def inner_registry(self) -> str:
        """The same registry as containers reach it, at the bridge's address."""
        return f"{self.network}.0.1:{self.registry_port}"


@dataclass(frozen=True, slots=True)
class State:
    path: Path
    id: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", hashlib.sha256(os.fsencode(self.path)).hexdigest()[:8])

    @property
    def run(self) -> Path:
        return Path("/run") / f"pycache-{self.id}"

    @property
    def bin(self) -> Path:
        return self.path / "bin"

    @property
    def fresh(self) -> Path:
        """One directory for each fresh engine."""
        return self.path / "fresh"

    def log(self, name: str) -> Path:
        path = self.path / "logs" / f"{name}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def read_settings(self) -> Settings:
        try:
            document = json.loads((self.path / "settings.json").read_text())
            return Settings(registry_port=int(document["registry_port"]), network=str(document["network"]))
        except (OSError, ValueError, KeyError, TypeError):
            return Settings()

    def write_settings(self, settings: Settings) -> None:
        partial = self.path / "settings.json.partial"
        partial.write_text(json.dumps(asdict(settings)) + "\n")
        partial.replace(self.path / "settings.json")

    @contextmanager
    def locked(self, name: str = "lock") -> Iterator[None]:
        """One process at a time brings things up or down; another name is another lock."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / name).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def find_state() -> State:
    """The state of this checkout."""
    return State(Path(os.environ.get("PYCACHE_ENGINE_STATE") or PROJECT / ".state" / "engine").resolve())
