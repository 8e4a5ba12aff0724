"""Logins reach buildx by a configuration folder, beside those that were there, and nothing else does."""

from __future__ import annotations

import base64
import json
import stat
from typing import TYPE_CHECKING

import pytest

from pycache_action.errors import InputError
from pycache_action.inputs import Inputs
from pycache_action.registry_login import (
    DOCKER_HUB,
    Login,
    find_logins,
    find_missing_logins,
    registry_of,
    write_docker_config,
)

if TYPE_CHECKING:
    from pathlib import Path

LOGIN = Login(registry="registry.test", username="ada", password="hunter2")


def read_config(folder: Path) -> dict[str, object]:
    value = json.loads((folder / "config.json").read_text())
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize(
    ("reference", "registry"),
    [
        ("app", "index.docker.io"),
        ("org/app:1", "index.docker.io"),
        ("docker.io/org/app", "index.docker.io"),
        ("ghcr.io/org/app@sha256:11", "ghcr.io"),
        ("localhost/app", "localhost"),
        ("localhost:5000/app", "localhost:5000"),
        ("registry:5000/app", "registry:5000"),
        ("[::1]:5000/app", "[::1]:5000"),
        ("", "index.docker.io"),
    ],
)
def test_registry_of(reference: str, registry: str) -> None:
    assert registry_of(reference) == registry


def test_find_logins__of_the_inputs() -> None:
    inputs = Inputs.from_values({"registry": "registry.test", "username": "ada", "password": "hunter2"})
    assert find_logins(inputs, "actor", []) == (LOGIN,)


def test_find_logins__without_a_registry_it_is_docker_hub() -> None:
    (login,) = find_logins(Inputs.from_values({"username": "ada", "password": "x"}), "", [])
    assert login.registry == DOCKER_HUB


@pytest.mark.parametrize(("given", "missing"), [("username", "password"), ("password", "username")])
def test_find_logins__half_of_one(given: str, missing: str) -> None:
    with pytest.raises(InputError, match=f"^{missing}: is missing") as raised:
        find_logins(Inputs.from_values({given: "hunter2"}), "", [])
    assert "hunter2" not in str(raised.value) + raised.value.hint


def test_find_logins__githubs_registry_by_token() -> None:
    inputs = Inputs.from_values({"github_token": "gh"})
    assert find_logins(inputs, "octocat", ["ghcr.io/org/app"]) == (
        Login(registry="ghcr.io", username="octocat", password="gh"),
    )
    assert find_logins(inputs, "octocat", ["registry.test/app"]) == ()


def test_find_logins__an_own_login_at_githubs_registry_goes_first() -> None:
    inputs = Inputs.from_values({"registry": "ghcr.io", "username": "ada", "password": "x", "github_token": "gh"})
    assert [login.username for login in find_logins(inputs, "octocat", ["ghcr.io/a"])] == ["ada"]


def test_login__password_stands_in_no_repr() -> None:
    assert "hunter2" not in repr(LOGIN)


def test_write_docker_config__beside_what_was_there(tmp_path: Path) -> None:
    existing, folder = tmp_path / "existing", tmp_path / "folder"
    (existing / "buildx").mkdir(parents=True)
    (existing / "buildx" / "current").write_text("{}")
    (existing / "config.json").write_text(json.dumps({"auths": {"other.test": {"auth": "eA=="}}, "proxies": {}}))
    folder.mkdir()
    write_docker_config(folder, [LOGIN], existing)
    config = read_config(folder)
    pair = base64.b64encode(b"ada:hunter2").decode()
    assert config["auths"] == {"other.test": {"auth": "eA=="}, "registry.test": {"auth": pair}}
    assert "proxies" in config
    assert (folder / "buildx" / "current").is_file()
    assert read_config(existing)["auths"] == {"other.test": {"auth": "eA=="}}


def test_write_docker_config__is_for_its_owner_alone(tmp_path: Path) -> None:
    write_docker_config(tmp_path, [LOGIN], None)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "config.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00"])
def test_write_docker_config__what_was_there_cannot_be_read(tmp_path: Path, text: str) -> None:
    existing, folder = tmp_path / "existing", tmp_path / "folder"
    existing.mkdir()
    folder.mkdir()
    (existing / "config.json").write_text(text)
    write_docker_config(folder, [LOGIN], existing)
    assert list(read_config(folder)) == ["auths"]


@pytest.mark.parametrize("auths", [None, [], "x"])
def test_write_docker_config__odd_auths(tmp_path: Path, auths: object) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"auths": auths}))
    write_docker_config(tmp_path, [LOGIN], None)


def test_write_docker_config__a_folder_that_is_not_there(tmp_path: Path) -> None:
    write_docker_config(tmp_path, [], tmp_path / "nowhere")
    assert read_config(tmp_path) == {"auths": {}}


@pytest.mark.parametrize(
    ("config", "missing"),
    [
        ({}, ("index.docker.io", "ghcr.io")),
        ({"auths": {DOCKER_HUB: {}, "ghcr.io": {}}}, ()),
        ({"auths": {"https://ghcr.io/v2/": {}}}, ("index.docker.io",)),
        ({"credHelpers": {"ghcr.io": "x"}}, ("index.docker.io",)),
        ({"credsStore": "desktop"}, ()),
    ],
)
def test_find_missing_logins(tmp_path: Path, config: dict[str, object], missing: tuple[str, ...]) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    references = ["org/app", "ghcr.io/org/app:1", "ghcr.io/org/app:2", "localhost:5000/app", "127.0.0.1/app"]
    assert find_missing_logins(tmp_path, references) == missing
