"""Everything a user can ask for: the inputs of the action, which are the options of `pycache build`.

The inputs that docker/build-push-action has too mean the same here:
https://github.com/docker/build-push-action/tree/v7.3.0#inputs
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pycache_action.settings import Given, Kind, Option, Section, option, parse_value

if TYPE_CHECKING:
    from collections.abc import Mapping

SHORTEST_SECRET = 4

_AUTO = ("auto", "always", "never")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What the user asked for, read and checked once: later code may trust it. Secrets are not in its `repr`."""

    context: str = option(
        Kind.STRING,
        Section.BUILD,
        "Folder or Git URL to build from. Without it the repository is fetched at the commit of the event, so no"
        " checkout step is needed; `{{defaultContext}}:folder` takes one folder of it.",
        in_file=False,
    )
    file: str = option(
        Kind.STRING,
        Section.BUILD,
        "Path of the Dockerfile. Without it, `Dockerfile` in the context.",
        aliases=("-f",),
    )
    target: str = option(Kind.STRING, Section.BUILD, "Stage of the Dockerfile to build. Without it, the last one.")
    platforms: tuple[str, ...] = option(
        Kind.LIST,
        Section.BUILD,
        "Platforms to build for, such as `linux/amd64,linux/arm64`. Without it, the builder's own.",
        aliases=("--platform",),
    )
    build_args: tuple[str, ...] = option(
        Kind.LINES,
        Section.BUILD,
        "Values for `ARG`, one `NAME=value` a line. Whoever has the image can read them: passwords belong in"
        " `secrets`.",
        aliases=("--build-arg",),
        secret=True,
    )
    build_contexts: tuple[str, ...] = option(
        Kind.LINES,
        Section.BUILD,
        "Named contexts beside the main one, one `name=path`, `name=docker-image://image` or `name=URL` a line.",
        aliases=("--build-context",),
        in_file=False,
    )
    labels: tuple[str, ...] = option(
        Kind.LINES, Section.BUILD, "Labels of the image, one `key=value` a line.", aliases=("--label",)
    )
    annotations: tuple[str, ...] = option(
        Kind.LINES,
        Section.BUILD,
        "Annotations of the image's manifest or index, one `key=value` a line.",
        aliases=("--annotation",),
    )
    pull: bool = option(
        Kind.BOOLEAN, Section.BUILD, "Look for newer base images, even where the builder has one.", default="false"
    )
    no_cache: bool = option(Kind.BOOLEAN, Section.BUILD, "Run every step anew, whatever is cached.", default="false")
    no_cache_filters: tuple[str, ...] = option(
        Kind.LIST, Section.BUILD, "Stages whose steps run anew.", aliases=("--no-cache-filter",)
    )
    call: str = option(
        Kind.STRING,
        Section.BUILD,
        "Ask something of the Dockerfile instead of building it: `check` lints it, `outline` and `targets` list what"
        " it offers.",
    )
    network: str = option(
        Kind.STRING,
        Section.BUILD,
        "Network of the `RUN` steps: `default`, `none`, or `host`, which needs `network.host` in `allow`.",
    )
    add_hosts: tuple[str, ...] = option(
        Kind.LIST,
        Section.BUILD,
        "Host names the build can resolve beside DNS, such as `index.internal:10.0.0.7`.",
        aliases=("--add-host",),
    )
    allow: tuple[str, ...] = option(
        Kind.LIST,
        Section.BUILD,
        "Privileges the build may use, such as `network.host` or `security.insecure`.",
        in_file=False,
    )
    cgroup_parent: str = option(Kind.STRING, Section.BUILD, "Parent cgroup of the `RUN` steps.")
    shm_size: str = option(Kind.STRING, Section.BUILD, "Size of `/dev/shm` in the `RUN` steps, such as `2g`.")
    ulimit: tuple[str, ...] = option(
        Kind.LINES, Section.BUILD, "Limits of the `RUN` steps, one a line, such as `nofile=1024:1024`."
    )
    builder: str = option(
        Kind.STRING,
        Section.BUILD,
        "Name of the builder, such as the one that `docker/setup-buildx-action` made. Without it, the engine's own"
        " where it can export caches, else a builder made for the purpose.",
    )

    tags: tuple[str, ...] = option(
        Kind.LIST,
        Section.OUTPUT,
        "Names of the image, such as `ghcr.io/org/app:latest`.",
        aliases=("-t", "--tag"),
        in_file=False,
    )
    push: bool = option(Kind.BOOLEAN, Section.OUTPUT, "Push the image to its registry.", default="false", in_file=False)
    load: bool = option(
        Kind.BOOLEAN,
        Section.OUTPUT,
        "Load the image into the Docker Engine, to run it in a later step.",
        default="false",
        in_file=False,
    )
    outputs: tuple[str, ...] = option(
        Kind.LINES,
        Section.OUTPUT,
        "Other places for the result, one a line, such as `type=local,dest=out`. Paths are below the workspace or the"
        " runner's temp folder.",
        aliases=("-o", "--output"),
        quotes=False,
        in_file=False,
    )
    provenance: str = option(
        Kind.STRING,
        Section.OUTPUT,
        "Provenance attestation: `true`, `false`, or attributes such as `mode=max`. Without it, `mode=max` for public"
        " repositories and `mode=min` for private ones, unless the image is loaded.",
    )
    sbom: str = option(
        Kind.STRING,
        Section.OUTPUT,
        "Attestation of what the image contains: `true`, `false`, or attributes such as `generator=image`.",
    )
    attests: tuple[str, ...] = option(
        Kind.LINES,
        Section.OUTPUT,
        "Attestations, one a line, such as `type=sbom,generator=image`. `provenance` and `sbom` come first.",
        aliases=("--attest",),
    )

    secrets: tuple[str, ...] = option(
        Kind.LINES,
        Section.SECRETS,
        "Secrets for `RUN --mount=type=secret,id=NAME`, one `NAME=value` a line. A value of several lines stands in"
        ' quotes: `"NAME=first line`, ..., `last line"`.',
        secret=True,
        in_file=False,
        trimmed=False,
    )
    secret_envs: tuple[str, ...] = option(
        Kind.LIST,
        Section.SECRETS,
        "Secrets taken from the environment of the step, such as `NAME=VARIABLE`.",
        in_file=False,
    )
    secret_files: tuple[str, ...] = option(
        Kind.LINES,
        Section.SECRETS,
        "Secrets taken from files, one `NAME=path` a line. Paths are below the workspace or the runner's temp folder.",
        in_file=False,
    )
    ssh: tuple[str, ...] = option(
        Kind.LIST,
        Section.SECRETS,
        "SSH agents or keys for `RUN --mount=type=ssh`, such as `default` or `deploy=path/of/key`.",
        in_file=False,
    )
    github_token: str = option(
        Kind.STRING,
        Section.SECRETS,
        "Token that fetches the repository where nothing is checked out, comments on the pull request and logs in to"
        " `ghcr.io`.",
        action_default="${{ github.token }}",
        secret=True,
        in_file=False,
    )

    registry: str = option(
        Kind.STRING,
        Section.LOGIN,
        "Registry to log in to, such as `ghcr.io`. Without it, Docker Hub, if `username` is given.",
        in_file=False,
    )
    username: str = option(Kind.STRING, Section.LOGIN, "User name at the registry.", in_file=False)
    password: str = option(Kind.STRING, Section.LOGIN, "Password or token at the registry.", secret=True, in_file=False)

    cache: str = option(
        Kind.STRING,
        Section.CACHE,
        "Where the cache is kept: `auto` (GitHub's cache service, else `cache-ref`, else a local folder), `off`,"
        " `gha`, `registry,ref=REPOSITORY`, `local,path=FOLDER`, `s3,...` or `azblob,...` with BuildKit's attributes.",
        default="auto",
    )
    cache_ref: str = option(
        Kind.STRING,
        Section.CACHE,
        "Repository for the cache, such as `ghcr.io/org/app-cache`, where `cache` is `auto` and the job has no cache"
        " service of GitHub's.",
    )
    cache_from: tuple[str, ...] = option(
        Kind.LINES,
        Section.CACHE,
        "Further caches to read from, one a line, such as `type=registry,ref=org/app:cache`. They are used beside"
        " `cache`.",
    )
    cache_to: tuple[str, ...] = option(
        Kind.LINES,
        Section.CACHE,
        "Further caches to write to, one a line. They are written during the build, beside `cache`.",
        in_file=False,
    )
    scope: str = option(
        Kind.STRING,
        Section.CACHE,
        "Name under which this image is cached. Without it, made from image name, Dockerfile, target and platforms,"
        " so that two images never share one.",
    )
    dependency_files: tuple[str, ...] = option(
        Kind.LIST,
        Section.CACHE,
        "Files that name the dependencies, as globs relative to the context, such as `requirements/*.txt`. Without"
        " it, those that the install steps of the Dockerfile read.",
    )
    save: str = option(
        Kind.CHOICE,
        Section.CACHE,
        "When the cache is written: `auto` after pushes, and after pull requests to a place of their own; `always`;"
        " `never`.",
        default="auto",
        choices=_AUTO,
    )

    comment: str = option(
        Kind.CHOICE,
        Section.REPORT,
        "When the pull request gets a comment: `auto` where an install step was not cached, `always`, `never`.",
        default="auto",
        choices=_AUTO,
    )
    fail_on_cache_miss: bool = option(
        Kind.BOOLEAN,
        Section.REPORT,
        "End with exit code 5 where an install step was not cached. The image is built and pushed all the same.",
        default="false",
    )
    report: str = option(
        Kind.STRING,
        Section.REPORT,
        "File to write the report to, as JSON.",
        in_file=False,
    )

    @property
    def secret_values(self) -> tuple[str, ...]:
        """Every secret that was given, to be hidden in the log.

        A secret of several lines without quotes falls into one secret a line, among them such as `trust = true`; to hide
        `true` would be to hide half the log.
        """
        given = (text.partition("=")[2].strip() for text in self.secrets)
        telling = (value for value in given if len(value) >= SHORTEST_SECRET and value.lower() not in ("true", "false"))
        return tuple(value for value in (*telling, self.password, self.github_token) if value)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], defaults: Mapping[str, Given] | None = None) -> Inputs:
        """Read what the runner hands over as `INPUT_*`; an empty variable was not given.

        `defaults` (see `defaults.read_defaults`) stand in for what was not given. Raises `InputError`.
        """
        given: dict[str, Given] = {}
        for declared in OPTIONS:
            text = environ.get(declared.variable, "")
            if text.strip():
                given[declared.field] = text
        return cls.from_values(given, defaults)

    @classmethod
    def from_values(cls, values: Mapping[str, Any], defaults: Mapping[str, Given] | None = None) -> Inputs:
        """Read values by field name, as click hands them over; `None` and empty ones were not given.

        `defaults` stand in for what was not given. Raises `InputError`, and `TypeError` for a field there is not.
        """
        given = {name: value for name, value in values.items() if value is not None and value not in ("", (), [])}
        return cls(**{**_parse_values(defaults or {}), **_parse_values(given)})


def _parse_values(values: Mapping[str, Given]) -> dict[str, Any]:
    options = {declared.field: declared for declared in OPTIONS}
    unknown = [name for name in values if name not in options]
    if unknown:
        raise TypeError(f"there is no input {unknown[0]!r}")
    return {name: parse_value(options[name], value) for name, value in values.items()}


def _read_options() -> tuple[Option, ...]:
    return tuple(
        dataclasses.replace(field.metadata["option"], field=field.name) for field in dataclasses.fields(Inputs)
    )


OPTIONS = _read_options()
"""Every input, in the order in which README lists them."""
