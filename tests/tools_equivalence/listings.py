"""What a tool lists, and what we read, in one form: name and version or place -> marker."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pycache_action.dependencies.read import WantedFile, read_dependencies

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pycache_action.dependencies.model import Selection

Listing = dict[str, str]

ENVIRONMENTS = [
    {
        "python_version": version,
        "python_full_version": f"{version}.4",
        "sys_platform": system,
        "platform_system": platform,
        "os_name": name,
        "platform_machine": machine,
        "platform_python_implementation": implementation,
        "implementation_name": implementation.lower(),
        "extra": "",
    }
    for version, (system, platform, name), machine, implementation in product(
        ("3.10", "3.11", "3.12", "3.13", "3.14"),
        (("linux", "Linux", "posix"), ("win32", "Windows", "nt"), ("darwin", "Darwin", "posix")),
        ("x86_64", "aarch64"),
        ("CPython", "PyPy"),
    )
]


def parse_listing(text: str) -> Listing:
    """Read lines as `requirements.txt` has them."""
    listing = {}
    for line in text.splitlines():
        written = line.strip()
        if not written or written.startswith(("#", "-i ", "--")):
            continue
        if written.startswith("-e "):
            listing[written.partition(" ; ")[0]] = written.partition(" ; ")[2]
            continue
        requirement = Requirement(written)
        place = f" @ {requirement.url}" if requirement.url else str(requirement.specifier)
        listing[f"{canonicalize_name(requirement.name)}{place}"] = str(requirement.marker or "")
    return listing


def read_listing(folder: Path, file: str, selection: Selection) -> Listing:
    """Read a file of the project as we do."""
    found = read_dependencies(folder, [WantedFile(file, selection=selection)])
    assert not found.problems, str(found.problems[0])
    listing = {}
    for one in found.files[0].requirements:
        if one.editable:
            listing[f"-e {one.url}"] = one.marker
        else:
            listing[f"{one.name}{f' @ {one.url}' if one.url else one.specifier}"] = one.marker
    return listing


def installed(listing: Listing, environment: dict[str, str]) -> set[str]:
    """Return what of a listing is installed in an environment."""
    return {name for name, marker in listing.items() if not marker or Marker(marker).evaluate(environment)}


def assert_equal(ours: Listing, theirs: Listing, environments: Iterable[dict[str, str]] = ENVIRONMENTS) -> None:
    """The same packages are installed in every environment."""
    for environment in environments:
        found, expected = installed(ours, environment), installed(theirs, environment)
        assert found == expected, (sorted(found - expected), sorted(expected - found), environment)
