"""pyproject.toml: https://packaging.python.org/en/latest/specifications/pyproject-toml/

What counts is what is asked for of the dependencies, extras and groups, where they come from, and what builds the
project. Its version, its other metadata and the sections of other tools do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from pycache_action.dependencies.dependency_groups import expand_groups, read_groups
from pycache_action.dependencies.formats import UNORDERED, Include, Option, Parsed
from pycache_action.dependencies.malformed import MalformedError
from pycache_action.dependencies.model import Requirement, Source
from pycache_action.dependencies.poetry_project import (
    group_requirements,
    main_requirements,
    optional_groups,
    poetry_extras,
    poetry_groups,
    read_index,
)
from pycache_action.dependencies.requirement import parse_pep508, parse_pip_argument
from pycache_action.dependencies.selection import choose_extras, choose_groups, choose_like_pdm, wants_main
from pycache_action.dependencies.structure import array, at, string, strings, table
from pycache_action.dependencies.toml_text import parse_toml
from pycache_action.dependencies.uv_project import apply_sources, uv_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pycache_action.dependencies.formats import Asked
    from pycache_action.dependencies.toml_text import Toml


def parse_pyproject(content: bytes, asked: Asked) -> Parsed:
    """Return the requirements that the selection means, as declared: nothing is resolved."""
    toml = parse_toml(content)
    project = Project(toml, asked.path)
    chosen = project.choose(asked)
    requirements = tuple(dict.fromkeys(project.requirements(chosen)))
    options = [*_build_options(toml), *_python_options(toml), *_index_options(toml), *uv_options(toml)]
    return Parsed(requirements=requirements, directives=(*options, *_other_files(toml, asked, chosen)))


@dataclass(frozen=True, slots=True)
class Chosen:
    """The parts of a project that an install command asks for, by canonical name."""

    main: bool
    extras: set[str]
    groups: set[str]


@dataclass(frozen=True, slots=True)
class Project:
    """The dependencies declared in one pyproject.toml, whichever tool it is written for."""

    toml: Toml
    path: str

    def choose(self, asked: Asked) -> Chosen:
        """Return what the selection means to the tool that the project is made for."""
        selection, main = asked.selection, wants_main(asked.selection)
        if self.is_made_for("pdm", asked):
            chosen = choose_like_pdm(selection, self.groups(), self.extras())
            return Chosen(main, chosen & self.extras(), chosen & self.groups())
        extras = choose_extras(selection, self.extras()) if main else set()
        return Chosen(main, extras, choose_groups(selection, self.groups(), self.default_groups(asked)))

    def default_groups(self, asked: Asked) -> list[str]:
        """Return the groups that the project's tool installs unless told otherwise; pip has none."""
        if self.is_made_for("poetry", asked):
            return sorted(self.groups() - optional_groups(self.toml))
        if self.is_made_for("uv", asked):
            default = at(self.toml.data, "tool", "uv").get("default-groups", ["dev"])
            return sorted(self.groups()) if default == "all" else strings(default, "tool.uv.default-groups")
        return []

    def is_made_for(self, tool: str, asked: Asked) -> bool:
        return tool in at(self.toml.data, "tool") or asked.read_beside(f"{tool}.lock") is not None

    def extras(self) -> set[str]:
        declared = at(self.toml.data, "project", "optional-dependencies")
        dynamic = at(self.toml.data, "tool", "setuptools", "dynamic", "optional-dependencies")
        return {*map(canonicalize_name, declared), *map(canonicalize_name, dynamic), *poetry_extras(self.toml)}

    def groups(self) -> set[str]:
        uv = {"dev"} if "dev-dependencies" in at(self.toml.data, "tool", "uv") else set()
        return {*read_groups(self.toml), *poetry_groups(self.toml), *_pdm_groups(self.toml), *uv}

    def requirements(self, chosen: Chosen) -> Iterator[Requirement]:
        """Yield what the chosen parts ask for, redirected as `tool.uv.sources` says."""
        if chosen.main:
            for text in self._strings("project", "dependencies"):
                yield from self._redirected(text)
            yield from main_requirements(self.toml, self.path, chosen.extras)
        yield from self._extra_requirements(chosen.extras)
        for group, text in expand_groups(self.toml, chosen.groups):
            yield from self._redirected(text, group=group)
        yield from group_requirements(self.toml, self.path, chosen.groups)
        for group, texts in _pdm_groups(self.toml).items():
            for text in texts if group in chosen.groups else ():
                yield self._parse(text)
        if "dev" in chosen.groups:
            for text in self._strings("tool", "uv", "dev-dependencies"):
                yield from self._redirected(text, group="dev")

    def _extra_requirements(self, extras: set[str]) -> Iterator[Requirement]:
        """Yield what extras bring; `demo[web]` among the extras of `demo` brings another of its extras."""
        declared = at(self.toml.data, "project", "optional-dependencies")
        name = canonicalize_name(string(at(self.toml.data, "project").get("name"), "project.name"))
        waiting, done = sorted(extras), set()
        while waiting:
            extra = waiting.pop()
            if extra in done:
                continue
            done.add(extra)
            for written, texts in declared.items():
                for text in (
                    strings(texts, f"optional-dependencies.{written}") if canonicalize_name(written) == extra else ()
                ):
                    for requirement in self._redirected(text, extra=extra):
                        if requirement.name == name:
                            waiting += requirement.extras
                        else:
                            yield requirement

    def _strings(self, *names: str) -> list[str]:
        return strings(
            at(self.toml.data, *names[:-1]).get(names[-1]), ".".join(names), self.toml.line_of_key(names[-1])
        )

    def _redirected(self, text: str, *, group: str = "", extra: str = "") -> Iterator[Requirement]:
        return apply_sources(self.toml, self._parse(text), group=group, extra=extra)

    def _parse(self, text: str) -> Requirement:
        source = Source(self.path, self.toml.line_of(text))
        try:
            if text.startswith("-e "):  # PDM's way: "-e file:///${PROJECT_ROOT}/library#egg=library"
                return parse_pip_argument(text[3:], source, editable=True)
            return parse_pep508(text, source)
        except MalformedError as error:
            raise MalformedError(error.expected, error.seen, source.line) from error


def _pdm_groups(toml: Toml) -> dict[str, list[str]]:
    groups = at(toml.data, "tool", "pdm", "dev-dependencies")
    return {canonicalize_name(name): strings(texts, f"dev-dependencies.{name}") for name, texts in groups.items()}


def _build_options(toml: Toml) -> Iterator[Option]:
    build = at(toml.data, "build-system")
    for text in strings(build.get("requires"), "build-system.requires", toml.line_of_key("requires")):
        try:
            requirement = parse_pep508(text, Source("pyproject.toml"))
        except MalformedError as error:
            raise MalformedError(error.expected, error.seen, toml.line_of(text)) from error
        yield Option(UNORDERED, f"build-system.requires {requirement}")
    if backend := string(build.get("build-backend"), "build-system.build-backend"):
        yield Option(UNORDERED, f"build-system.build-backend {backend}")


def _python_options(toml: Toml) -> Iterator[Option]:
    python = at(toml.data, "project").get("requires-python") or at(toml.data, "tool", "poetry", "dependencies").get(
        "python"
    )
    if isinstance(python, str):
        yield Option(UNORDERED, f"requires-python {''.join(string(python, 'requires-python').split())}")


def _index_options(toml: Toml) -> Iterator[Option]:
    for tool in ("poetry", "pdm"):
        for entry in array(at(toml.data, "tool", tool).get("source"), f"tool.{tool}.source"):
            source = table(entry, f"tool.{tool}.source")
            if url := string(source.get("url"), "url"):
                priority = string(source.get("priority"), "priority")
                yield Option("index", f"--extra-index-url {read_index(url)}{f' ({priority})' if priority else ''}")
    overrides = at(toml.data, "tool", "pdm", "resolution", "overrides")
    for name, value in sorted(overrides.items()):
        yield Option(UNORDERED, f"tool.pdm.resolution.overrides {canonicalize_name(name)} {string(value, name)}")


def _other_files(toml: Toml, asked: Asked, chosen: Chosen) -> Iterator[Include]:
    """Yield the files in which dependencies stand that this one leaves open (`dynamic`), or does not know of."""
    project = at(toml.data, "project")
    dynamic = strings(project.get("dynamic"), "project.dynamic")
    declares = project or at(toml.data, "tool", "poetry")
    setuptools = at(toml.data, "tool", "setuptools", "dynamic")
    files = []
    if "dependencies" in dynamic and chosen.main:
        files += _named_files(setuptools.get("dependencies"))
    if "optional-dependencies" in dynamic:
        for name, value in table(setuptools.get("optional-dependencies"), "optional-dependencies").items():
            files += _named_files(value) if canonicalize_name(name) in chosen.extras else []
    yield from (Include(path, "requirements", toml.line_of(path)) for path in files)
    if ("dependencies" in dynamic and not setuptools.get("dependencies")) or not declares:
        for name in ("setup.py", "setup.cfg"):
            if asked.read_beside(name) is not None:
                yield Include(name, "requirements", toml.line_of_key("dynamic"))


def _named_files(value: object) -> list[str]:
    """Return the paths of `{file = "requirements.txt"}` or `{file = ["a.txt", "b.txt"]}`."""
    files = table(value, "tool.setuptools.dynamic").get("file")
    return [string(files, "file")] if isinstance(files, str) else strings(files, "file")
