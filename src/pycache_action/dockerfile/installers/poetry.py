"""Poetry's commands: `install`, `sync`, `export`, `add`, `update`.

Options as of Poetry 2.2, and `--no-dev` of old: https://python-poetry.org/docs/cli/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pycache_action.dependencies.model import Selection
from pycache_action.dockerfile.installers.request import Local, ProjectWish, Request, option_table, read_options
from pycache_action.dockerfile.shell.words import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

_TABLE: Final = option_table(
    "--without --with --only -E|--extras -P|--project -C|--directory -f|--format -o|--output -G|--group --source "
    "--python --platform --markers",
    "--sync --no-root --no-directory --dry-run --all-extras --all-groups --only-root --compile -h|--help -q|--quiet "
    "-V|--version --ansi --no-ansi -n|--no-interaction --no-plugins --no-cache -v|-vv|-vvv|--verbose --no-dev --dev "
    "--without-hashes --without-urls --with-credentials --remove-untracked --optional --allow-prereleases --lock "
    "--editable --develop",
)


def read_poetry(words: Sequence[Value]) -> Request | None:
    """What the words after `poetry` ask for; None if they install and write nothing."""
    options = read_options(words, _TABLE)
    if not options.rest or options.has("--help", "--dry-run"):
        return None
    command, *names = options.rest
    if command.text not in ("install", "sync", "export", "update", "add"):
        return None
    folder = options.value("--project") or options.value("--directory") or Value(".")
    selection = Selection(
        extras=options.names("--extras"),
        all_extras=options.has("--all-extras"),
        groups=options.names("--with"),
        without=options.names("--without") + (("dev",) if options.has("--no-dev") else ()),
        only=options.names("--only"),
        all_groups=options.has("--all-groups"),
    )
    project = ProjectWish(folder=folder, project="pyproject.toml", lock="poetry.lock", selection=selection)
    if command.text == "export":
        groups = selection.groups + (("dev",) if options.has("--dev") else ())
        # An export has the main group alone unless it is asked for more.
        chosen = Selection(
            extras=selection.extras,
            all_extras=selection.all_extras,
            groups=groups,
            without=selection.without,
            only=selection.only,
            all_groups=selection.all_groups,
            default_groups=selection.all_groups,
        )
        return Request(
            tool="poetry",
            kind="export",
            projects=(ProjectWish(folder=folder, project="pyproject.toml", lock="poetry.lock", selection=chosen),),
            output=options.value("--output"),
            notes=tuple(options.notes),
        )
    without_root = options.has("--no-root") or bool(selection.only) or command.text in ("update", "add")
    return Request(
        tool="poetry",
        projects=() if options.has("--only-root") else (project,),
        named=tuple(name.text for name in names) if command.text == "add" else (),
        local=() if without_root else (Local(path=folder),),
        notes=tuple(options.notes),
    )
