"""Debian packages in a folder of their own, by the machine's own apt and dpkg; nothing is installed on the machine.

apt is given its own configuration, lists, cache and an empty package database, so it resolves for an empty system and
touches nothing else. That is faster than debootstrap by half and needs no package that Debian or Ubuntu lacks, but
for Debian's keyring on Ubuntu.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.engine.steps import EngineError, run

if TYPE_CHECKING:
    from collections.abc import Sequence

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
MIRROR = os.environ.get("PYCACHE_DEBIAN_MIRROR", "http://deb.debian.org/debian")
NOT_IN_SLIM = ("usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale", "var/cache/apt")
# As in Docker's images of Debian: what apt keeps would only make layers larger.
KEEP_NO_CACHES = """\
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
"""
SYSTEM_REVISION = "2"  # of what `install_system` makes
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True, slots=True)
class Suite:
    """One Debian release and the folder that apt keeps its lists and downloads in."""

    name: str
    work: Path
    log: Path

    def apt_options(self) -> list[str]:
        options = {
            "Dir::Etc::sourcelist": self.work / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::State": self.work / "state",
            "Dir::State::status": self.work / "status",
            "Dir::Cache": self.work / "cache",
            "APT::Sandbox::User": "root",
            "APT::Install-Recommends": "false",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            # a mirror that is frozen at some day is as good
            "Acquire::Check-Valid-Until": "false",
        }
        return [part for key, value in options.items() for part in ("-o", f"{key}={value}")]

    def fetch(self, names: Sequence[str]) -> list[Path]:
        """Downloads `names` and all they depend on; the paths of the packages."""
        self.prepare("deb")
        run(["apt-get", *self.apt_options(), "--yes", "--download-only", "install", *names], self.log)
        return sorted((self.work / "cache" / "archives").glob("*.deb"))

    def fetch_source(self, name: str) -> list[Path]:
        """Downloads the source package `name`; the paths of its parts."""
        self.prepare("deb-src")
        target = self.work / "source"
        target.mkdir()
        run(["apt-get", *self.apt_options(), "--download-only", "source", name], self.log, cwd=target)
        return sorted(target.iterdir())

    def prepare(self, kind: str) -> None:
        ensure_keyring(self.log)
        shutil.rmtree(self.work, ignore_errors=True)
        (self.work / "state" / "lists").mkdir(parents=True)
        (self.work / "cache" / "archives" / "partial").mkdir(parents=True)
        (self.work / "status").touch()
        (self.work / "sources.list").write_text(f"{kind} [signed-by={KEYRING}] {MIRROR} {self.name} main\n")
        run(["apt-get", *self.apt_options(), "--error-on=any", "update"], self.log)


def ensure_keyring(log: Path) -> None:
    """Debian's keys: every Debian has them, an Ubuntu may not."""
    if not KEYRING.exists():
        run(["apt-get", "update"], log)
        run(["apt-get", "install", "--yes", "--no-install-recommends", "debian-archive-keyring"], log)


def extract(packages: Sequence[Path], root: Path) -> None:
    """Unpacks `packages` below `root` without running any of their scripts: good for programs and libraries.

    A symlinked directory below `root` stays one.
    """

    def unpack(package: Path) -> None:
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as reader:
            argv = ["tar", "--directory", str(root), "--keep-directory-symlink", "--extract", "--file", "-"]
            written = subprocess.run(argv, stdin=reader.stdout, capture_output=True, check=False)
        if reader.returncode or written.returncode:
            raise EngineError(f"cannot unpack {package.name}: {written.stderr.decode(errors='replace').strip()}")

    root.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(unpack, packages))


def install_system(packages: Sequence[Path], root: Path, suite: Suite) -> None:
    """Makes a whole system below `root` in which apt and dpkg work: unpacked first, then installed over itself.

    It is slim as Docker's slim images are, and has the machine's own certificates, so that what runs in it may reach
    what the machine may.
    """
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(f"usr/{name}")
    extract(packages, root)
    debs = root / "debs"
    debs.mkdir()
    for package in packages:
        os.link(package, debs / package.name)
    environ = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    script = "exec dpkg --force-depends --force-unsafe-io --install /debs/*.deb"
    run(["chroot", root, "sh", "-c", script], suite.log, environ=environ)
    for name in ("debs", *NOT_IN_SLIM):
        shutil.rmtree(root / name, ignore_errors=True)
    (root / "var" / "cache" / "apt" / "archives" / "partial").mkdir(parents=True)
    (root / "etc" / "apt" / "apt.conf.d" / "docker-clean").write_text(KEEP_NO_CACHES)
    (root / "etc" / "apt" / "sources.list").write_text(f"deb {MIRROR} {suite.name} main\n")
    if CERTIFICATES.exists():
        shutil.copyfile(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
