"""The address at which a RUN of a docker build reaches a server on this machine."""

from __future__ import annotations

import subprocess
from functools import cache


@cache
def read_bridge_gateway() -> str:
    """The gateway of the engine's default bridge, e.g. `172.17.0.1`.

    A RUN in its default network reaches it with the docker driver and from a docker-container builder alike, provided
    the server listens on every address. On Docker Desktop the bridge is inside a virtual machine: not there.
    """
    inspect = ["docker", "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"]
    return subprocess.run(inspect, check=True, capture_output=True, text=True, timeout=30).stdout.strip()
