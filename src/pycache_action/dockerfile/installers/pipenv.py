"""Pipenv's commands: `install`, `sync`, `requirements`, and `lock -r` of old.

Options as of Pipenv 2026.0: https://pipenv.pypa.io/en/latest/cli.html
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Final

from pycache_action.dependencies.model import Selection
from pycache_action.dockerfile.installers.pip import read_requirements
from pycache_action.dockerfile.installers.request import (
    Environment,
    Options,
    ProjectWish,
    Request,
    option_table,
    read_options,
    wishes,
)
from pycache_action.dockerfile.shell.words import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

_VALUED: Final = (
    "--pypi-mirror --python --extra-pip-args --resolver --categories --extras --config-settings -i|--index "
    "-e|--editable "
)
_FLAGS: Final = (
    "-h|--help --system --deploy --site-packages --no-site-packages -v|--verbose -q|--quiet --clear --pre -d|--dev "
    "--all --ignore-pipfile --skip-lock --bare --clean --dev-only --hash --exclude-markers --exclude-index "
    "--from-pipfile --no-lock --keep-outdated --selective-upgrade --sequential --three --two "
)
# `install -r` takes a file, `lock -r` takes nothing.
_INSTALL: Final = option_table(f"{_VALUED} -r|--requirements", _FLAGS)
_LOCK: Final = option_table(_VALUED, f"{_FLAGS} -r|--requirements")


def read_pipenv(words: Sequence[Value], environment: Environment) -> Request | None:
    """What the words after `pipenv` ask for; None if they install and write nothing."""
    options = read_options(words, _LOCK if any(word.text == "lock" for word in words) else _INSTALL)
    if not options.rest or options.has("--help"):
        return None
    command, *names = options.rest
    project = _project(options, environment)
    if command.text == "requirements" or (command.text == "lock" and options.has("--requirements")):
        return Request(tool="pipenv", kind="export", projects=(project,), notes=tuple(options.notes))
    if command.text not in ("install", "sync"):
        return None
    asked = read_requirements(names, options, tool="pipenv", environment=lambda _: "")
    return Request(
        tool="pipenv",
        files=wishes(options.values("--requirements")),
        projects=(project,),
        named=asked.named,
        local=asked.local,
        notes=tuple(options.notes),
    )


def _project(options: Options, environment: Environment) -> ProjectWish:
    folder, name = posixpath.split(environment("PIPENV_PIPFILE") or "Pipfile")
    only = options.names("--categories") + (("dev",) if options.has("--dev-only") else ())
    dev = options.has("--dev") or environment("PIPENV_DEV") not in ("", "0", "false")
    selection = Selection(
        extras=options.names("--extras"),
        groups=("dev",) if dev and not only else (),
        only=only,
        all_groups=options.has("--all"),
        default_groups=False,
    )
    return ProjectWish(folder=Value(folder or "."), project=name, lock=f"{name}.lock", selection=selection)
