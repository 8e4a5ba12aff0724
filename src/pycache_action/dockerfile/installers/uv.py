"""uv's commands: `uv pip install` and `sync`, `uv sync`, `uv export`, `uv pip compile`.

Options as of uv 0.9: https://docs.astral.sh/uv/reference/cli/
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pycache_action.dependencies.model import Selection
from pycache_action.dockerfile.installers.pip import Asked, read_requirements
from pycache_action.dockerfile.installers.request import (
    Environment,
    Local,
    Options,
    ProjectWish,
    Request,
    Wish,
    option_table,
    read_options,
)
from pycache_action.dockerfile.shell.words import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

_TABLE: Final = option_table(
    "-r|--requirements|--requirement -e|--editable -c|--constraints|--constraint --overrides|--override --excludes "
    "-b|--build-constraints|--build-constraint --extra --no-extra --cert --group --no-group --only-group -t|--target "
    "--prefix --no-binary --only-binary --python-version --python-platform --output-format --torch-backend --index "
    "--default-index -i|--index-url --extra-index-url -f|--find-links --index-strategy --keyring-provider "
    "-P|--upgrade-package --upgrade-group --resolution --prerelease --prerelease-package --fork-strategy "
    "--exclude-newer --exclude-newer-package --no-sources-package --reinstall-package --link-mode "
    "-C|--config-setting|--config-settings --config-settings-package --no-build-isolation-package --cache-dir "
    "--refresh-package -p|--python --color --allow-insecure-host|--trusted-host --directory --project --config-file "
    "--no-editable-package --no-install-package --package --script --no-build-package --no-binary-package --format "
    "--prune -o|--output-file --no-emit-package --annotation-style --custom-compile-command --with "
    "--with-requirements --with-editable --env-file -w",
    "--all-extras --no-editable --no-deps --require-hashes --no-verify-hashes --require-build-hashes --system "
    "--break-system-packages --no-break-system-packages --no-build --exact --strict --dry-run --check --user "
    "--no-index -U|--upgrade --no-sources --reinstall --compile|--compile-bytecode --no-build-isolation "
    "-n|--no-cache-dir|--no-cache --refresh --managed-python --no-managed-python --no-python-downloads -q|--quiet "
    "-v|--verbose --system-certs|--native-tls --offline --no-progress --no-config -h|--help -V|--version --no-dev "
    "--dev --only-dev --no-default-groups --all-groups --inexact --active --no-install-project "
    "--no-install-workspace --no-install-local --locked --frozen --all-packages --no-annotate --no-header "
    "--emit-index-url --emit-find-links --no-hashes --no-emit-project --no-emit-workspace --no-emit-local "
    "--generate-hashes --universal --no-strip-extras --no-strip-markers --only-install-project --preview "
    "--allow-empty-requirements --no-compile-bytecode --allow-existing --seed --no-require-build-hashes --pre",
)
_PROJECT_FILES: Final = re.compile(r"(pyproject\.toml|setup\.py|setup\.cfg)$")


def read_uv(words: Sequence[Value], environment: Environment) -> Request | None:
    """What the words after `uv` ask for; None if they install and write nothing."""
    options = read_options(words, _TABLE)
    commands = [word.text for word in options.rest[:2]]
    if not commands or options.has("--help", "--dry-run", "--check"):
        return None
    if commands[0] == "pip" and len(commands) == 2:
        return _read_uv_pip(commands[1], options.rest[2:], options, environment)
    if commands[0] == "sync":
        return _read_sync(options, environment)
    if commands[0] == "export":
        return _read_export(options, environment)
    if commands == ["tool", "install"] or commands[0] == "add":
        names = options.rest[2:] if commands[0] == "tool" else options.rest[1:]
        asked = read_requirements(names, options, tool="uv", environment=lambda _: "")
        return Request(tool="uv", named=asked.named, local=asked.local, files=asked.files, notes=asked.notes)
    return None


def _read_uv_pip(
    command: str, arguments: Sequence[Value], options: Options, environment: Environment
) -> Request | None:
    if command == "install":
        asked = read_requirements(arguments, options, tool="uv-pip", environment=environment)
        return Request(
            tool="uv-pip",
            files=_with_extras(asked, options),
            named=asked.named,
            local=asked.local,
            stdin=asked.stdin,
            notes=asked.notes,
        )
    if command not in ("sync", "compile"):
        return None
    # These take files, not names.
    asked = read_requirements([], options, tool="uv-pip", environment=environment)
    sources = tuple(Wish(path=path) for path in arguments if path.text != "-")
    files = _with_extras(asked, options, sources)
    stdin = len(sources) < len(arguments)
    if command == "sync":
        return Request(tool="uv-pip", files=files, stdin=stdin, notes=asked.notes)
    output = options.value("--output-file")
    return Request(tool="uv-pip", kind="export", files=files, output=output, exact=False, notes=asked.notes)


def _with_extras(asked: Asked, options: Options, more: tuple[Wish, ...] = ()) -> tuple[Wish, ...]:
    """`--extra` and `--all-extras` speak of the project files among the requirements."""
    selection = Selection(extras=options.names("--extra"), all_extras=options.has("--all-extras"), default_groups=False)
    return tuple(
        Wish(path=wish.path, role=wish.role, selection=selection)
        if wish.role == "requirements" and not wish.selection.groups and _PROJECT_FILES.search(wish.path.text)
        else wish
        for wish in (*more, *asked.files)
    )


def _read_sync(options: Options, environment: Environment) -> Request:
    switches = ("NO_INSTALL_PROJECT", "NO_INSTALL_LOCAL", "NO_INSTALL_WORKSPACE")
    leaves_out = options.has(*(f"--{name.lower().replace('_', '-')}" for name in switches))
    leaves_out = leaves_out or any(_is_set(environment(f"UV_{name}")) for name in switches)
    only = options.has("--only-dev", "--only-group")
    folder = _folder(options, environment)
    if options.has("--script"):
        return Request(tool="uv", files=tuple(Wish(path=path) for path in options.values("--script")))
    return Request(
        tool="uv",
        projects=(_project(folder, options, environment),),
        local=() if leaves_out or only else (Local(path=folder),),
        notes=tuple(options.notes),
    )


def _read_export(options: Options, environment: Environment) -> Request:
    return Request(
        tool="uv",
        kind="export",
        projects=(_project(_folder(options, environment), options, environment),),
        output=options.value("--output-file"),
        notes=tuple(options.notes),
    )


def _project(folder: Value, options: Options, environment: Environment) -> ProjectWish:
    no_dev = options.has("--no-dev") or (_is_set(environment("UV_NO_DEV")) and not options.has("--dev"))
    without = options.names("--no-group") + (("dev",) if no_dev else ())
    only = options.names("--only-group") + (("dev",) if options.has("--only-dev") else ())
    no_default = options.has("--no-default-groups") or _is_set(environment("UV_NO_DEFAULT_GROUPS"))
    selection = Selection(
        extras=options.names("--extra"),
        all_extras=options.has("--all-extras"),
        groups=options.names("--group") + (("dev",) if options.has("--dev") else ()),
        without=without,
        only=only,
        all_groups=options.has("--all-groups"),
        default_groups=not no_default,
        packages=options.names("--package"),
        all_packages=options.has("--all-packages"),
    )
    return ProjectWish(folder=folder, project="pyproject.toml", lock="uv.lock", selection=selection)


def _folder(options: Options, environment: Environment) -> Value:
    """Where uv begins to look for the project; `--directory` is where it goes first."""
    start = options.value("--directory") or Value(environment("UV_WORKING_DIR") or ".")
    project = options.value("--project") or Value(environment("UV_PROJECT") or ".")
    if project.text == "." or project.text.startswith(("/", "${")):
        return start if project.text == "." else project
    return Value(f"{start.text}/{project.text}", start.unknown | project.unknown)


def _is_set(value: str) -> bool:
    return value.lower() in ("1", "true", "yes", "y", "on", "t")
