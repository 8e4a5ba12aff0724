"""PDM's commands: `install`, `sync`, `export`.

Options as of PDM 2.26: https://pdm-project.org/en/latest/reference/cli/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pycache_action.dependencies.model import Selection
from pycache_action.dockerfile.installers.request import (
    Environment,
    Local,
    Options,
    ProjectWish,
    Request,
    option_table,
    read_options,
)
from pycache_action.dockerfile.shell.words import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

_TABLE: Final = option_table(
    "-p|--project --override -L|--lockfile -k|--skip -G|--with|--group --without -C|--config-setting -f|--format "
    "-o|--output -c|--config",
    "-h|--help -v|--verbose -q|--quiet -g|--global --dry-run --no-lock|--frozen-lockfile --check --plugins "
    "--no-default -d|--dev --prod|--production --no-editable --no-self -x|--fail-fast --no-isolation --clean "
    "--only-keep|--clean-unselected -r|--reinstall --without-hashes|--no-hashes --no-markers --no-extras --pyproject "
    "--expandvars --self --editable-self -I|--ignore-python -n|--non-interactive --no-cache -V|--version --venv",
    abbreviations=True,
)


def read_pdm(words: Sequence[Value], environment: Environment) -> Request | None:
    """What the words after `pdm` ask for; None if they install and write nothing."""
    options = read_options(words, _TABLE)
    if not options.rest or options.has("--help", "--dry-run", "--plugins"):
        return None
    command = options.rest[0].text
    if command not in ("install", "sync", "export"):
        return None
    folder = options.value("--project") or Value(environment("PDM_PROJECT") or ".")
    lock = options.value("--lockfile")
    project = ProjectWish(
        folder=folder,
        project="pyproject.toml",
        lock=lock.text if lock else environment("PDM_LOCKFILE") or "pdm.lock",
        selection=_selection(options),
    )
    if command == "export":
        return Request(
            tool="pdm",
            kind="export",
            projects=(project,),
            output=options.value("--output"),
            notes=tuple(options.notes),
        )
    without_project = options.has("--no-self", "--no-default") or environment("PDM_NO_SELF") not in ("", "0", "false")
    return Request(
        tool="pdm",
        projects=(project,),
        local=() if without_project else (Local(path=folder),),
        notes=tuple(options.notes),
    )


def _selection(options: Options) -> Selection:
    """A group of PDM is an extra or a dependency group; `:all` is each of them."""
    groups = options.names("--group")
    everything = ":all" in groups
    return Selection(
        all_extras=everything,
        groups=tuple(group for group in groups if group != ":all"),
        without=options.names("--without"),
        all_groups=everything,
        main=not options.has("--no-default"),
        default_groups=not options.has("--production"),
    )
