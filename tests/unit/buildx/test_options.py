"""Inputs become the arguments that docker/build-push-action would give, in both phases of a build."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycache_action.buildx.command import BuildCommand, render_command
from pycache_action.buildx.options import (
    MAPPED,
    PUSH_ONLY,
    Origin,
    Surroundings,
    build_command,
    resolve_context,
    save_command,
)
from pycache_action.errors import InputError
from pycache_action.inputs import OPTIONS, Inputs

GIT_CONTEXT = "https://github.com/org/app.git#0123abc"
RUN_URL = "https://github.com/org/app/actions/runs/7/attempts/1"
ORIGIN = Origin(git_context=GIT_CONTEXT, run_url=RUN_URL)
LAPTOP = Surroundings(file_exists=lambda _: True)
JOB = Surroundings(origin=ORIGIN, file_exists=lambda _: True)
ATTEST = ("--attest", f"type=provenance,mode=max,builder-id={RUN_URL}")


def build(surroundings: Surroundings = LAPTOP, **values: Any) -> tuple[str, ...]:
    """The arguments between `build` and the context."""
    arguments = build_command(Inputs.from_values(values), surroundings).arguments
    assert arguments[0] == "build"
    return arguments[1:-1]


@pytest.mark.parametrize(
    ("values", "arguments"),
    [
        ({}, ()),
        ({"add_hosts": "docker:10.0.0.1"}, ("--add-host", "docker:10.0.0.1")),
        ({"allow": "network.host,security.insecure"}, ("--allow", "network.host", "--allow", "security.insecure")),
        ({"annotations": "index:k=a,b"}, ("--annotation", "index:k=a,b")),
        ({"attests": "type=sbom,generator=image"}, ("--attest", "type=sbom,generator=image")),
        ({"build_args": "A=1,2\nB"}, ("--build-arg", "A=1,2", "--build-arg", "B")),
        ({"build_contexts": "base=docker-image://x"}, ("--build-context", "base=docker-image://x")),
        ({"builder": "mine"}, ("--builder", "mine")),
        ({"cache_from": "org/app:cache"}, ("--cache-from", "org/app:cache")),
        ({"cache_to": "type=inline"}, ("--cache-to", "type=inline")),
        ({"call": "check"}, ("--call", "check")),
        ({"cgroup_parent": "ci"}, ("--cgroup-parent", "ci")),
        ({"file": "docker/Dockerfile"}, ("--file", "docker/Dockerfile")),
        ({"labels": "a=b,c\nd=e"}, ("--label", "a=b,c", "--label", "d=e")),
        ({"load": True}, ("--load",)),
        ({"network": "host"}, ("--network", "host")),
        ({"no_cache": True}, ("--no-cache",)),
        ({"no_cache_filters": "one,two"}, ("--no-cache-filter", "one", "--no-cache-filter", "two")),
        ({"outputs": "type=local,dest=out"}, ("--output", "type=local,dest=out")),
        ({"platforms": "linux/amd64\nlinux/arm64"}, ("--platform", "linux/amd64,linux/arm64")),
        ({"provenance": "mode=max"}, ("--attest", "type=provenance,mode=max")),
        ({"pull": True}, ("--pull",)),
        ({"push": True}, ("--push",)),
        ({"sbom": "true"}, ("--attest", "type=sbom,disabled=false")),
        ({"secret_envs": "TOKEN=CI_TOKEN"}, ("--secret", "id=TOKEN,env=CI_TOKEN")),
        ({"secret_files": "KEY=a,b.pem"}, ("--secret", 'id=KEY,"src=a,b.pem"')),
        ({"shm_size": "2g"}, ("--shm-size", "2g")),
        ({"ssh": "default"}, ("--ssh", "default")),
        ({"tags": "a:1,b:2"}, ("--tag", "a:1", "--tag", "b:2")),
        ({"target": "prod"}, ("--target", "prod")),
        ({"ulimit": "nofile=1:2"}, ("--ulimit", "nofile=1:2")),
    ],
)
def test_build_command__each_input_has_its_flag(values: dict[str, Any], arguments: tuple[str, ...]) -> None:
    assert build(**values) == arguments


def test_build_command__inputs_of_ours_alone_are_not_mapped() -> None:
    ours = {declared.field for declared in OPTIONS} - MAPPED

    assert ours == {
        *["cache", "cache_ref", "scope", "dependency_files", "save", "comment", "fail_on_cache_miss", "report"],
        *["registry", "username", "password"],
    }


def test_build_command__push_from_a_workflow() -> None:
    inputs = Inputs.from_environ(
        {
            "INPUT_CONTEXT": ".",
            "INPUT_FILE": "docker/Dockerfile",
            "INPUT_PUSH": "true",
            "INPUT_TAGS": "ghcr.io/org/app:latest\nghcr.io/org/app:1",
            "INPUT_LABELS": "org.opencontainers.image.title=app",
            "INPUT_PLATFORMS": "linux/amd64,linux/arm64",
            "INPUT_BUILD-ARGS": "VERSION=1",
            "INPUT_SECRETS": "pip_conf=[global]",
            "INPUT_CACHE-FROM": "type=registry,ref=org/app:old",
            "INPUT_GITHUB-TOKEN": "ghs_1",
        }
    )
    surroundings = dataclasses.replace(JOB, builder="chosen", metadata_file=Path("/tmp/m.json"))

    command = build_command(inputs, surroundings, cache_from=["type=gha,scope=a"], cache_to=["type=gha,scope=b"])

    assert command.arguments == (
        *("build", "--build-arg", "VERSION=1", "--cache-from", "type=registry,ref=org/app:old"),
        *("--secret", "id=pip_conf,env=PYCACHE_SECRET_1", "--file", "docker/Dockerfile"),
        *("--label", "org.opencontainers.image.title=app", "--platform", "linux/amd64,linux/arm64", *ATTEST),
        *("--tag", "ghcr.io/org/app:latest", "--tag", "ghcr.io/org/app:1", "--builder", "chosen", "--push"),
        *("--cache-from", "type=gha,scope=a", "--cache-to", "type=gha,scope=b"),
        *("--metadata-file", "/tmp/m.json", "."),
    )
    assert command.environment == {"PYCACHE_SECRET_1": "[global]"}
    assert command.warnings == ()


def test_build_command__no_checkout() -> None:
    command = build_command(Inputs(github_token="ghs_1"), JOB)

    assert command.arguments == (
        *("build", "--secret", "id=GIT_AUTH_TOKEN.github.com,env=PYCACHE_SECRET_1", *ATTEST, GIT_CONTEXT),
    )
    assert command.environment == {"PYCACHE_SECRET_1": "ghs_1"}


def test_build_command__digest_for_a_merge_job() -> None:
    output = "type=image,push-by-digest=true,name-canonical=true,push=true"

    assert build(JOB, outputs=output, platforms="linux/arm64", tags="org/app") == (
        *("--output", output, "--platform", "linux/arm64", *ATTEST, "--tag", "org/app"),
    )


def test_build_command__test_then_push_loads_first() -> None:
    assert build(JOB, load=True, tags="app:test") == ("--tag", "app:test", "--load")


@pytest.mark.parametrize(
    ("values", "arguments"),
    [
        ({"push": True}, ("--output", PUSH_ONLY)),
        ({"push": True, "load": True}, ("--load", "--push")),
        ({"push": True, "outputs": "type=docker"}, ("--output", "type=docker", "--push")),
        ({"push": True, "outputs": "type=image,name=x"}, ("--output", "type=image,name=x", "--push")),
        ({"push": True, "outputs": "out"}, ("--output", "out", "--output", PUSH_ONLY)),
        ({"load": True}, ("--load",)),
        ({}, ()),
    ],
)
def test_build_command__an_image_that_is_only_pushed_is_not_unpacked(
    values: dict[str, Any], arguments: tuple[str, ...]
) -> None:
    assert build(dataclasses.replace(LAPTOP, skip_unpack=True), **values) == arguments


def test_build_command__output_that_cannot_be_read() -> None:
    with pytest.raises(InputError, match="outputs: cannot be read"):
        build(outputs="type=local,out", push=True)


@pytest.mark.parametrize("template", ["{{defaultContext}}", "{{ defaultContext }}", "{{{defaultContext}}}"])
def test_build_command__default_context_in_templates(template: str) -> None:
    command = build_command(
        Inputs(context=f"{template}:app", build_contexts=(f"docs={template}:docs",), github_token="ghs_1"), JOB
    )

    assert command.arguments[-1] == f"{GIT_CONTEXT}:app"
    assert ("--build-context", f"docs={GIT_CONTEXT}:docs") == command.arguments[1:3]
    assert "id=GIT_AUTH_TOKEN.github.com,env=PYCACHE_SECRET_1" in command.arguments


def test_build_command__no_git_token_for_other_repositories() -> None:
    inputs = Inputs(context="https://example.com/other.git", github_token="ghs_1")

    assert "ghs_1" not in build_command(inputs, JOB).environment.values()


def test_resolve_context__laptop() -> None:
    assert resolve_context("", None) == "."
    assert resolve_context("./app", None) == "./app"


@pytest.mark.parametrize("context", ["-", "--help", "-f"])
def test_resolve_context__what_would_be_an_option(context: str) -> None:
    with pytest.raises(InputError, match="is not a folder or URL"):
        resolve_context(context, None)


def test_save_command__same_steps_and_nothing_else() -> None:
    inputs = Inputs.from_values(
        {
            "context": ".",
            "tags": "app:1",
            "push": True,
            "load": True,
            "outputs": "type=local,dest=out",
            "provenance": "mode=max",
            "sbom": "true",
            "attests": "type=sbom",
            "annotations": "a=b",
            "labels": "a=b",
            "no_cache": True,
            "no_cache_filters": "test",
            "cache_to": "type=inline",
            "cache_from": "org/app:old",
            "build_args": "A=1",
            "target": "prod",
            "secrets": "T=abc",
            "pull": True,
            "network": "host",
        }
    )

    command = save_command(inputs, JOB, cache_to=["type=gha,scope=a"], cache_from=["type=gha,scope=b"])

    assert command.arguments == (
        *("build", "--build-arg", "A=1", "--cache-from", "org/app:old", "--secret", "id=T,env=PYCACHE_SECRET_1"),
        *("--target", "prod", "--network", "host", "--pull"),
        *("--cache-from", "type=gha,scope=b", "--cache-to", "type=gha,scope=a"),
        *("--attest", "type=provenance,disabled=true", "--output", "type=cacheonly", "."),
    )
    assert command.environment == build_command(inputs, JOB).environment


SECRETS = st.text(st.characters(categories=["L", "N"]), min_size=8, max_size=20).map(lambda text: f"%{text}%")


@given(
    secrets=st.lists(SECRETS, max_size=3),
    token=SECRETS,
    password=SECRETS,
    multiline=st.booleans(),
    context=st.sampled_from(["", ".", "{{defaultContext}}:app"]),
)
def test_build_command__no_secret_in_arguments_or_repr(
    secrets: list[str], token: str, password: str, multiline: bool, context: str
) -> None:
    entries = tuple(f"S{number}={text}" for number, text in enumerate(secrets))
    index = f"https://user:{password}@index.example.com/simple"
    inputs = Inputs(
        context=context,
        secrets=entries if not multiline else (*entries, token),
        github_token=token,
        password=password,
        build_args=(f"PIP_INDEX_URL={index}", f"NPM_TOKEN={token}", f"OPTIONS=--key {password}"),
    )
    for command in (build_command(inputs, JOB), save_command(inputs, JOB, cache_to=["type=gha"])):
        shown = (*command.arguments, *command.warnings, repr(command), repr(inputs), render_command(command))
        for secret in (*secrets, token, password):
            assert not any(secret in text for text in shown)
        assert {*secrets, index} <= set(command.environment.values())


def test_render_command__for_a_shell_and_without_credentials() -> None:
    command = BuildCommand(
        arguments=(
            *("build", "--build-arg", "URL=https://me:pw@example.com/x", "--label", "a=b c"),
            *("--cache-to", "type=s3,secret_access_key=abc,bucket=b", "--cache-to", "type=gha,token=xyz"),
        )
    )

    assert render_command(command) == (
        "docker buildx build --build-arg URL=https://***@example.com/x --label 'a=b c'"
        " --cache-to type=s3,secret_access_key=***,bucket=b --cache-to type=gha,token=***"
    )
