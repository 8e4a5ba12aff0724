"""Where a cache is kept: one of BuildKit's own cache backends, spoken to by the builder, never by us.

Attributes: https://docs.docker.com/build/cache/backends/
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from pycache_action.buildx.attributes import parse_attributes, render_attributes
from pycache_action.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMS = "auto | off | gha | registry,ref=REF | local,path=DIR | s3,bucket=... | azblob,account_url=..."


@dataclass(frozen=True, slots=True)
class Off:
    """No cache of ours at all."""


@dataclass(frozen=True, slots=True)
class Auto:
    """Whatever the job or the machine has."""


@dataclass(frozen=True, slots=True)
class Gha:
    """GitHub's cache service. Its address and token reach buildx by the environment.

    `version` is the service's protocol: 2 on GitHub, 1 where only `ACTIONS_CACHE_URL` is given. `url` is where it is.
    """

    version: int = 2
    attributes: tuple[tuple[str, str], ...] = ()
    url: str = ""


@dataclass(frozen=True, slots=True)
class Registry:
    """A repository of a registry; every cache is a tag in it."""

    ref: str
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Local:
    """A directory of this machine; every cache is a directory in it."""

    path: Path


@dataclass(frozen=True, slots=True)
class Bucket:
    """An object store, `s3` or `azblob`: every cache is a name in it."""

    kind: str
    attributes: tuple[tuple[str, str], ...]


Backend = Gha | Registry | Local | Bucket


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A cache that cannot be used, and why: a value, never an exception. The build goes on without it.

    `left_waiting`: a builder was asked and had to be left alone with the question (see `cache.preflight`).
    """

    reason: str
    left_waiting: bool = False


def parse_cache(text: str) -> Off | Auto | Backend:
    """Read the input `cache`. Raises `InputError` with what was seen and the forms there are."""
    kind, _, rest = text.strip().partition(",")
    kind = kind.removeprefix("type=")
    given = _parse_attributes(text, rest)
    match kind:
        case "off":
            return Off()
        case "auto" | "":
            return Auto()
        case "gha":
            return Gha(1 if given.pop("version", "2") == "1" else 2, tuple(given.items()))
        case "registry":
            if not (ref := given.pop("ref", "")):
                raise InputError(
                    f"cache: {text!r} names no reference",
                    hint="Write cache: registry,ref=registry.example.com/team/app-cache",
                )
            return Registry(_parse_reference(ref), tuple(given.items()))
        case "local":
            if not (path := given.pop("path", "") or given.pop("dest", "")):
                raise InputError(f"cache: {text!r} names no directory", hint="Write cache: local,path=DIRECTORY")
            return Local(Path(path).expanduser())
        case "s3" | "azblob":
            return Bucket(kind, tuple(given.items()))
        case _:
            close = difflib.get_close_matches(kind, ["auto", "off", "gha", "registry", "local", "s3", "azblob"], 1)
            suggestion = f"Did you mean {close[0]!r}? " if close else ""
            raise InputError(f"cache: unknown backend {kind!r}", hint=f"{suggestion}The forms are {FORMS}.")


def choose_backend(
    asked_for: Off | Auto | Backend, *, environ: Mapping[str, str], cache_ref: str, folder: Path
) -> Off | Backend | Unavailable:
    """Turn what was asked for into a backend. GitHub's service is known by the variables it gives to a job."""
    match asked_for:
        case Auto():
            service = _find_service(environ)
            if service is not None:
                return service
            return Registry(_parse_reference(cache_ref)) if cache_ref else Local(folder)
        case Gha(attributes=attributes):
            service = _find_service(environ)
            if service is None:
                return Unavailable("this job has no cache service of GitHub's")
            return replace(service, attributes=attributes)
        case _:
            return asked_for


def _find_service(environ: Mapping[str, str]) -> Gha | None:
    """Version 2 by `ACTIONS_RESULTS_URL`, version 1 where there is `ACTIONS_CACHE_URL` alone (GitHub Enterprise Server).

    https://github.com/actions/toolkit/blob/main/packages/cache/src/internal/config.ts
    """
    if not environ.get("ACTIONS_RUNTIME_TOKEN"):
        return None
    if url := environ.get("ACTIONS_RESULTS_URL"):
        return Gha(2, url=url)
    return Gha(1, url=url) if (url := environ.get("ACTIONS_CACHE_URL")) else None


def describe(backend: Backend) -> str:
    """Name it in a sentence, without anything that could be a secret."""
    match backend:
        case Gha():
            return "GitHub's cache service"
        case Registry(ref=ref):
            return f"registry {ref}"
        case Local(path=path):
            return f"directory {path}"
        case Bucket(kind=kind):
            return f"{kind} bucket"
        case _:
            assert_never(backend)


def render_import(backend: Backend, name: str) -> str:
    """The value of `--cache-from` that reads the cache `name`."""
    match backend:
        case Gha(version=version, attributes=attributes):
            return _render("gha", {"scope": name, **_version(version)}, attributes)
        case Registry(ref=ref, attributes=attributes):
            return _render("registry", {"ref": f"{ref}:{name}"}, attributes)
        case Local(path=path):
            return _render("local", {"src": str(path / name)})
        case Bucket(kind=kind, attributes=attributes):
            return _render(kind, {"name": name}, attributes)
        case _:
            assert_never(backend)


def render_export(backend: Backend, name: str, mode: str) -> str:
    """The value of `--cache-to` that writes the cache `name`. A failed export does not fail the build."""
    common = {"mode": mode, "ignore-error": "true"}
    match backend:
        case Gha(version=version, attributes=attributes):
            return _render("gha", {"scope": name, **_version(version), **common}, attributes)
        case Registry(ref=ref, attributes=attributes):
            # Some registries (ECR among them) refuse the older form: https://github.com/moby/buildkit#registry-push-image-and-cache-separately
            media = {"image-manifest": "true", "oci-mediatypes": "true"}
            return _render("registry", {"ref": f"{ref}:{name}", **media, **common}, attributes)
        case Local(path=path):
            return _render("local", {"dest": str(path / name), **common})
        case Bucket(kind=kind, attributes=attributes):
            return _render(kind, {"name": name, **common}, attributes)
        case _:
            assert_never(backend)


def _version(version: int) -> dict[str, str]:
    return {"version": "1"} if version == 1 else {}


def _render(kind: str, own: dict[str, str], given: tuple[tuple[str, str], ...] = ()) -> str:
    return render_attributes({"type": kind, **own, **dict(given)})


def _parse_attributes(text: str, rest: str) -> dict[str, str]:
    try:
        return parse_attributes(rest)
    except ValueError as error:
        raise InputError(f"cache: {text!r} cannot be read: {error}", hint=f"The forms are {FORMS}.") from error


def _parse_reference(ref: str) -> str:
    """A repository without tag or digest: the tags are ours."""
    last = ref.rpartition("/")[2]
    if "@" in last or ":" in last or ref != ref.lower() or not all(ref.split("/")):
        raise InputError(
            f"cache: {ref!r} is not a repository: tags, digests and capitals do not belong in it",
            hint="Write the repository alone; pycache makes a tag for each cache.",
        )
    return ref
