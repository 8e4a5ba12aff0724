"""Docker's programs, from Debian's packages, in a folder that machines with another release can run them from.

Server programs run in a mount namespace in which this folder's `/usr` lies over the machine's: they find their own
libraries, git, runc and iptables, and see the machine's files otherwise. The command line programs need no more than
the C library of Debian 12 and run as they are.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.engine.packages import Suite, extract
from tools.engine.steps import EngineError, run, step

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tools.engine.state import State

SUITE = "forky"
PACKAGES = (
    "docker.io", "docker-cli", "docker-buildx", "docker-compose", "docker-registry", "containerd", "runc", "tini",
    "iptables", "iproute2", "kmod", "git", "sed", "xz-utils", "dash", "coreutils", "procps", "base-files", "busybox-static",
)  # fmt: skip
IPTABLES = ("iptables", "ip6tables", "iptables-save", "iptables-restore", "ip6tables-save", "ip6tables-restore")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"

# `docker` finds its plugins in the user's home or the machine's folders, and these are not ours to write to.
DOCKER = """\
#!/bin/sh
case "$1" in
  buildx) shift; exec "{plugins}/docker-buildx" "$@" ;;
  build) exec "{plugins}/docker-buildx" "$@" ;;
  compose) shift; exec "{plugins}/docker-compose" "$@" ;;
esac
exec "{root}/usr/bin/docker" "$@"
"""
# A machine made of a container image may have no mount.
WITH_PROGRAMS = f'"$0/usr/bin/busybox" mount --bind "$0/usr" /usr && export PATH={PATH} && exec "$@"'


@dataclass(frozen=True, slots=True)
class Programs:
    root: Path

    @property
    def plugins(self) -> Path:
        return self.root / "usr" / "libexec" / "docker" / "cli-plugins"

    @property
    def registry(self) -> Path:
        return self.root / "usr" / "bin" / "docker-registry"

    def argv(self, argv: Sequence[str | Path], *, own_pids: bool = False) -> list[str]:
        """`argv` as it must be started to run with these programs; `own_pids`: what it starts ends with it."""
        pids = ["--pid", "--fork", "--kill-child", "--mount-proc"] if own_pids else []
        unshare = ["unshare", "--mount", "--propagation", "slave", *pids, "--"]
        return [*unshare, "sh", "-c", WITH_PROGRAMS, str(self.root), *map(str, argv)]


def find_programs(state: State) -> Programs | None:
    root = compute_root(state)
    return Programs(root) if root.exists() else None


def require_programs(state: State) -> Programs:
    """What `ensure_programs` has made before."""
    programs = find_programs(state)
    if programs is None:
        raise EngineError(f"no Docker programs in {state.path}; `python -m tools.engine up` fetches them")
    return programs


def ensure_programs(state: State) -> Programs:
    """Fetches and unpacks what is not there yet; half-finished work is begun again."""
    root = compute_root(state)
    if not root.exists():
        if state.path.is_relative_to("/usr"):
            raise EngineError(f"{state.path} is below /usr, which the engine lays its own over.\n"
                              "Set PYCACHE_ENGINE_STATE to a directory elsewhere.")  # fmt: skip
        with step(f"Docker's programs (Debian {SUITE})"):
            unpack_programs(state, root)
    programs = Programs(root)
    write_commands(state, programs)
    return programs


def remove_old_programs(state: State) -> None:
    """Those of another package list, once nothing runs from them."""
    for path in state.path.glob("programs-*"):
        if path != compute_root(state):
            shutil.rmtree(path)


def compute_root(state: State) -> Path:
    recipe = hashlib.sha256(" ".join((SUITE, *PACKAGES)).encode()).hexdigest()[:8]
    return state.path / f"programs-{recipe}"


def unpack_programs(state: State, root: Path) -> None:
    suite = Suite(SUITE, state.path / "apt-programs", state.log("apt-programs"))
    partial = root.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    extract(suite.fetch(PACKAGES), partial)
    links = partial / "usr" / "local" / "sbin"
    links.mkdir(parents=True, exist_ok=True)
    for name in IPTABLES:  # Debian's come from update-alternatives, in /etc
        (links / name).symlink_to("/usr/sbin/xtables-nft-multi")
    run([partial / "usr" / "bin" / "docker", "--version"], suite.log)
    partial.rename(root)
    shutil.rmtree(suite.work)


def write_commands(state: State, programs: Programs) -> None:
    """`docker` and `docker-buildx` for whoever puts the state's `bin` first on PATH."""
    text = DOCKER.format(root=programs.root, plugins=programs.plugins)
    docker = state.bin / "docker"
    if docker.exists() and docker.read_text() == text:
        return
    state.bin.mkdir(exist_ok=True)
    docker.write_text(text)
    docker.chmod(0o755)
    for name in ("docker-buildx", "docker-compose"):
        (state.bin / name).unlink(missing_ok=True)
        (state.bin / name).symlink_to(programs.plugins / name)
