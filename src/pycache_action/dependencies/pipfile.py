"""Pipfile: https://pipenv.pypa.io/en/latest/pipfile.html"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from pycache_action.dependencies.conditions import canonical_marker
from pycache_action.dependencies.formats import UNORDERED, Option, Parsed
from pycache_action.dependencies.locations import URL, canonical_index, canonical_path, canonical_url, git_url
from pycache_action.dependencies.malformed import MalformedError
from pycache_action.dependencies.model import Requirement, Source
from pycache_action.dependencies.requirement import canonical_names, canonical_specifier
from pycache_action.dependencies.structure import array, at, string, strings, table
from pycache_action.dependencies.toml_text import parse_toml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pycache_action.dependencies.formats import Asked
    from pycache_action.dependencies.model import Selection

_NO_SECTIONS = {"source", "requires", "scripts", "pipenv", "pipfile"}
# https://pipenv.pypa.io/en/latest/specifiers.html: `sys_platform = "== 'win32'"` beside the version
_MARKER_KEYS = (
    "os_name",
    "sys_platform",
    "platform_machine",
    "platform_python_implementation",
    "platform_release",
    "platform_system",
    "platform_version",
    "python_version",
    "python_full_version",
    "implementation_name",
    "implementation_version",
)


def parse_pipfile(content: bytes, asked: Asked) -> Parsed:
    """Return the packages of the categories that are asked for, as declared: nothing is resolved."""
    toml = parse_toml(content)
    sources = read_sources(toml.data.get("source"))
    categories = [name for name, value in toml.data.items() if isinstance(value, dict) and name not in _NO_SECTIONS]
    requirements = []
    for category in sorted(choose_categories(asked.selection, categories)):
        for name, value in table(toml.data[category], category).items():
            source = Source(asked.path, toml.line_of_key(name))
            requirements.append(read_package(name, value, sources, source))
    options = list(index_options(sources))
    for name, value in sorted(at(toml.data, "requires").items()):
        options.append(Option(UNORDERED, f"requires {name} {string(value, name)}"))
    return Parsed(requirements=tuple(requirements), directives=tuple(options))


# https://github.com/pypa/pipenv/blob/v2025.0.4/pipenv/utils/dependencies.py: get_lockfile_section_using_pipfile_category
_CATEGORY = {"packages": "default", "main": "default", "dev-packages": "develop", "dev": "develop"}


def choose_categories(selection: Selection, available: Iterable[str]) -> set[str]:
    """Return the sections of a Pipfile, or of its lock, that are asked for."""
    sections = {name: _category(name) for name in available}
    if selection.only:
        chosen = {_category(name) for name in selection.only}
    else:
        chosen = {_category(name) for name in selection.groups} | ({"default"} if selection.main else set())
        chosen |= set(sections.values()) - {"default"} if selection.all_groups else set()
        chosen -= {_category(name) for name in selection.without}
    return {name for name, category in sections.items() if category in chosen}


def _category(name: str) -> str:
    return _CATEGORY.get(name, canonicalize_name(name))


def read_sources(value: object) -> dict[str, str]:
    """Return the URLs of the indexes by name, in order."""
    sources = {}
    for entry in array(value, "source"):
        source = table(entry, "source")
        url = string(source.get("url"), "source.url")
        try:
            sources[string(source.get("name"), "source.name") or url] = canonical_index(url)
        except ValueError as error:
            raise MalformedError(f"the URL of an index ({error})", url) from error
    return sources


def index_options(sources: dict[str, str]) -> Iterator[Option]:
    """Yield the indexes as pipenv hands them to pip; PyPI alone is what pip does by itself."""
    urls = list(sources.values())
    if urls != ["https://pypi.org/simple"]:
        for place, url in enumerate(urls):
            yield Option("index", f"{'--extra-index-url' if place else '--index-url'} {url}")


def read_package(name: str, value: object, sources: dict[str, str], source: Source) -> Requirement:
    """Read one entry of a section: a version, or a table of version, extras, markers and place."""
    line = source.line
    given = table({"version": value} if isinstance(value, str) else value, name, line)
    markers = [string(given.get("markers"), "markers", line)]
    markers += [f"{key} {string(given[key], key, line)}" for key in _MARKER_KEYS if key in given]
    index = string(given.get("index"), "index", line)
    url = _url(given, line)
    first = next(iter(sources.values()), "")
    return Requirement(
        name=canonicalize_name(name),
        specifier="" if url else _specifier(string(given.get("version"), "version", line), line),
        extras=canonical_names(strings(given.get("extras"), "extras", line)),
        marker=canonical_marker(" and ".join(f"({one})" for one in markers if one)),
        url=url,
        # The first index is where everything comes from unless it says otherwise.
        index="" if sources.get(index, index) == first else sources.get(index, index),
        hashes=tuple(sorted(one.lower() for one in strings(given.get("hashes"), "hashes", line))),
        editable=given.get("editable") is True,
        source=source,
    )


def _specifier(version: str, line: int) -> str:
    try:
        return canonical_specifier(SpecifierSet("" if version == "*" else version))
    except ValueError as error:
        raise MalformedError("a version such as ==1.2 or *", version, line) from error


def _url(given: dict[str, object], line: int) -> str:
    git = string(given.get("git"), "git", line)
    file = string(given.get("file"), "file", line) or string(given.get("url"), "url", line)
    try:
        if git:
            folder = string(given.get("subdirectory"), "subdirectory", line)
            return git_url(git.removeprefix("git+"), string(given.get("ref"), "ref", line), folder)
        if file:
            return canonical_url(file) if URL.match(file) else canonical_path(file)
    except ValueError as error:
        raise MalformedError(f"a URL ({error})", git or file, line) from error
    path = string(given.get("path"), "path", line)
    return canonical_path(path) if path else ""
