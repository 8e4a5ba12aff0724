"""Logins for buildx, which reads them from a Docker configuration folder and from nowhere else.

Format: https://docs.docker.com/reference/cli/docker/#docker-cli-configuration-file-configjson-properties
"""

from __future__ import annotations

import base64
import json
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pycache_action.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pycache_action.inputs import Inputs

DOCKER_HUB = "https://index.docker.io/v1/"
GITHUB_REGISTRY = "ghcr.io"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A user at a registry."""

    registry: str
    username: str
    password: str = field(repr=False)


def find_logins(inputs: Inputs, actor: str, references: Iterable[str]) -> tuple[Login, ...]:
    """The login of the inputs, and that of `github-token` for images at ghcr.io without one of their own.

    Raises `InputError` where a user has no password or the other way round.
    """
    if bool(inputs.username) != bool(inputs.password):
        missing = "password" if inputs.username else "username"
        raise InputError(
            f"{missing}: is missing beside {'username' if inputs.username else 'password'}", hint="Give both."
        )
    logins: list[Login] = []
    if inputs.username:
        registry = inputs.registry or DOCKER_HUB
        logins.append(Login(registry=registry, username=inputs.username, password=inputs.password))
    at_github = any(registry_of(reference) == GITHUB_REGISTRY for reference in references)
    if at_github and inputs.github_token and all(login.registry != GITHUB_REGISTRY for login in logins):
        logins.append(Login(registry=GITHUB_REGISTRY, username=actor or "token", password=inputs.github_token))
    return tuple(logins)


def write_docker_config(folder: Path, logins: Iterable[Login], existing: Path | None) -> None:
    """Write a configuration folder that holds `existing` (logins, builders) and these logins beside."""
    if existing is not None and existing.is_dir():
        shutil.copytree(existing, folder, dirs_exist_ok=True)
    file = folder / "config.json"
    config = _read_config(file)
    _drop_missing_helpers(config)
    auths = config["auths"] = known if isinstance(known := config.get("auths"), dict) else {}
    for login in logins:
        pair = base64.b64encode(f"{login.username}:{login.password}".encode()).decode()
        auths[login.registry] = {"auth": pair}
    folder.chmod(0o700)
    file.touch(mode=0o600)
    file.write_text(json.dumps(config))


def _drop_missing_helpers(config: dict[str, Any]) -> None:
    """A credential helper of the runner is not in the container; with its name in the file no login would be found."""
    if not shutil.which(f"docker-credential-{config.get('credsStore')}"):
        config.pop("credsStore", None)
    helpers = config.get("credHelpers")
    if isinstance(helpers, dict):
        config["credHelpers"] = {
            host: name for host, name in helpers.items() if shutil.which(f"docker-credential-{name}")
        }


def find_missing_logins(folder: Path, references: Iterable[str]) -> tuple[str, ...]:
    """The registries among these references for which the configuration knows no login; loopback needs none."""
    config = _read_config(folder / "config.json")
    known = {_host_of(name) for name in (*(config.get("auths") or {}), *(config.get("credHelpers") or {}))}
    wanted = dict.fromkeys(registry_of(reference) for reference in references)
    if config.get("credsStore"):
        return ()
    return tuple(each for each in wanted if each not in known and not each.startswith(("localhost", "127.", "[::1]")))


def registry_of(reference: str) -> str:
    """The registry of an image reference; a first part without dot, colon or `localhost` is a Docker Hub user.

    https://github.com/distribution/reference/blob/v0.6.0/normalize.go#L143-L157
    """
    first, slash, _ = reference.partition("/")
    is_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    return first if is_host and first not in ("docker.io", "index.docker.io") else "index.docker.io"


def _host_of(name: str) -> str:
    return (
        name.removeprefix("https://")
        .removeprefix("http://")
        .split("/", 1)[0]
        .replace("docker.io", "index.docker.io", 1 if name == "docker.io" else 0)
    )


def _read_config(file: Path) -> dict[str, Any]:
    try:
        config = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}
