"""Secrets reach buildx by its environment, and what cannot be one is left out without being shown."""

from __future__ import annotations

import pytest

from pycache_action.buildx.build_secrets import compute_build_args, compute_secrets
from pycache_action.inputs import Inputs

GITHUB = "https://github.com/org/app.git#0123abc"


def test_compute_secrets__value_with_commas_quotes_and_lines() -> None:
    command = compute_secrets(Inputs(secrets=('KEY=a,"b"=\nc\n',)), "", lambda _: True)

    assert command.arguments == ("--secret", "id=KEY,env=PYCACHE_SECRET_1")
    assert command.environment == {"PYCACHE_SECRET_1": 'a,"b"=\nc\n'}


def test_compute_secrets__empty_on_a_fork() -> None:
    command = compute_secrets(Inputs(secrets=("TOKEN=", "OTHER=x"), secret_envs=("E=",)), "", lambda _: True)

    assert command.arguments == ("--secret", "id=OTHER,env=PYCACHE_SECRET_2")
    assert command.warnings == (
        "secret-envs: E is left out: it is empty",
        "secrets: TOKEN is left out: it is empty",
    )


@pytest.mark.parametrize("entry", ["second line of a key", "=no-name"])
def test_compute_secrets__no_name(entry: str) -> None:
    command = compute_secrets(Inputs(secrets=("A=x", entry)), "", lambda _: True)

    (warning,) = command.warnings
    assert warning.startswith("secrets: entry 2 is left out")
    assert entry not in warning
    assert entry not in command.arguments


def test_compute_secrets__file_that_is_not_there() -> None:
    command = compute_secrets(Inputs(secret_files=("A=a.txt", "B=b.txt")), "", lambda path: path == "b.txt")

    assert command.arguments == ("--secret", "id=B,src=b.txt")
    assert command.warnings == ("secret-files: A is left out: there is no file a.txt",)


def test_compute_secrets__name_with_a_comma_is_quoted() -> None:
    assert compute_secrets(Inputs(secret_envs=("A,B=X",)), "", lambda _: True).arguments == (
        *("--secret", '"id=A,B",env=X'),
    )


@pytest.mark.parametrize("name", ["GIT_AUTH_TOKEN", "GIT_AUTH_TOKEN.github.com"])
def test_compute_secrets__own_git_token_comes_first(name: str) -> None:
    command = compute_secrets(Inputs(secrets=(f"{name}=mine",), github_token="theirs"), GITHUB, lambda _: True)

    assert command.environment == {"PYCACHE_SECRET_1": "mine"}


def test_compute_secrets__git_token_is_for_the_server_of_the_repository() -> None:
    command = compute_secrets(Inputs(github_token="t"), "https://me@git.example.com:8443/a/b.git#x", lambda _: True)

    assert command.arguments == ("--secret", "id=GIT_AUTH_TOKEN.git.example.com:8443,env=PYCACHE_SECRET_1")


@pytest.mark.parametrize(
    "entry",
    [
        "PIP_INDEX_URL=https://user:pw@example.com/simple",
        "NPM_TOKEN=abc",
        "DB_PASSWORD=abc",
        "GITHUB_TOKEN=abc",
        "FLAGS=--with hunter22",
    ],
)
def test_compute_build_args__what_looks_like_a_credential_is_not_an_argument(entry: str) -> None:
    name, _, value = entry.partition("=")

    command = compute_build_args(Inputs(build_args=(entry,), secrets=("X=hunter22",)))

    assert command.arguments == ("--build-arg", name)
    assert command.environment == {name: value}


@pytest.mark.parametrize(
    "entry",
    ["VERSION=1", "URL=https://example.com/a:b@c", "NAME", "EMPTY=", "HTTPS_PROXY=http://u:p@proxy", "AWS_TOKEN=a"],
)
def test_compute_build_args__the_others_and_what_buildx_reads_itself_are(entry: str) -> None:
    command = compute_build_args(Inputs(build_args=(entry,)))

    assert command.arguments == ("--build-arg", entry)
    assert command.environment == {}
