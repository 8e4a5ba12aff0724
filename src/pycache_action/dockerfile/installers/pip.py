"""pip's commands: `pip install`, `download` and `wheel`; and those of pip-tools.

Options as of pip 26: https://pip.pypa.io/en/stable/cli/pip_install/, and older ones that Dockerfiles still have.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pycache_action.dependencies.model import Selection
from pycache_action.dockerfile.installers.request import (
    Environment,
    Local,
    Options,
    Request,
    Tool,
    Wish,
    option_table,
    read_options,
    split_extras,
    wishes,
)
from pycache_action.dockerfile.shell.words import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

_TABLE: Final = option_table(
    "-r|--requirement -c|--constraint --build-constraint --requirements-from-script -e|--editable -t|--target --group "
    "--platform --python-version --implementation --abi --root --prefix --src|--source|--source-dir|--source-directory "
    "--upgrade-strategy -C|--config-setting|--config-settings --progress-bar --root-user-action --report --no-binary "
    "--only-binary --all-releases --only-final -i|--pypi-url|--index-url --extra-index-url --refresh-package "
    "-f|--find-links --uploaded-prior-to --python --log-file|--local-log|--log --keyring-provider --proxy --retries "
    "--default-timeout|--timeout --exists-action --trusted-host --cert --client-cert --cache-dir --use-feature "
    "--use-deprecated --resume-retries --global-option --install-option --build-option -b|--build --build-dir "
    "-w|--wheel-dir -d|--destination-dir|--destination-directory|--dest --download --allow-external --download-cache",
    "--no-dependencies|--no-deps --only-dependencies|--only-deps --dry-run --user --no-user -U|--upgrade "
    "--force-reinstall -I|--ignore-installed --ignore-requires-python --no-build-isolation --use-pep517 "
    "--no-use-pep517 --check-build-dependencies --break-system-packages --compile --no-compile --no-cache-dir "
    "--no-cache --no-warn-script-location --no-warn-conflicts --require-hashes --no-require-hashes --no-clean --pre "
    "--prefer-binary --no-index -h|--help --debug --isolated --require-venv|--require-virtualenv -v|--verbose "
    "-q|--quiet --no-input --no-proxy-env --disable-pip-version-check --no-color --no-python-version-warning -V "
    "--no-verify --no-use-wheel --use-wheel --egg --process-dependency-links --no-download --allow-all-external",
    abbreviations=True,
)
_PIP_TOOLS: Final = option_table(
    "--extra -f|--find-links -i|--index-url --extra-index-url --cert --client-cert --trusted-host --uploaded-prior-to "
    "--annotation-style -P|--upgrade-package -o|--output-file --newline --max-rounds --cache-dir --pip-args --resolver "
    "--unsafe-package --config -c|--constraint --build-deps-for --python-executable --only-build-deps",
    "--all-extras -U|--upgrade --no-upgrade -n|--dry-run -p|--pre -r|--rebuild --no-index -q|--quiet -v|--verbose "
    "-a|--ask --force --user --generate-hashes --no-header --no-annotate --strip-extras --allow-unsafe --no-config "
    "--no-emit-index-url --no-emit-options --no-emit-find-links --no-emit-trusted-host --no-strip-extras --header",
)
_URL: Final = re.compile(r"[A-Za-z][\w+.-]*://|git\+|git@")
_ARCHIVE: Final = re.compile(r"\.(whl|zip|tar\.gz|tgz|tar\.bz2|tar\.xz)$", re.IGNORECASE)


def read_pip(words: Sequence[Value], environment: Environment) -> Request | None:
    """What the words after `pip` ask for; None if they install nothing."""
    options = read_options(words, _TABLE)
    if not options.rest or options.has("--help", "--dry-run"):
        return None
    command, *arguments = options.rest
    if command.text not in ("install", "download", "wheel"):
        return None
    installs = command.text == "install" and not options.has("--download")
    asked = read_requirements(arguments, options, tool="pip", environment=environment)
    output = options.value("--wheel-dir") or options.value("--dest") or options.value("--download")
    return Request(
        tool="pip",
        kind="install" if installs else "wheels",
        files=asked.files,
        named=asked.named,
        local=asked.local,
        output=None if installs else output or Value("."),
        stdin=asked.stdin,
        notes=asked.notes,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The requirements of a command in pip's manner."""

    files: tuple[Wish, ...]
    named: tuple[str, ...]
    local: tuple[Local, ...]
    stdin: bool
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Arguments:
    named: list[str] = field(default_factory=list)
    local: list[Local] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unread: list[Value] = field(default_factory=list)


def read_requirements(arguments: Sequence[Value], options: Options, *, tool: Tool, environment: Environment) -> Asked:
    """Sort what an install command in pip's manner is given: files, names, local paths."""
    found = _Arguments(notes=list(options.notes))
    for word in arguments:
        _argument(word, found, editable=False)
    for word in options.values("--editable"):
        _argument(word, found, editable=True)
    prefix = "PIP" if tool == "pip" else "UV"
    stdin = [word for word in options.values("--requirement") if word.text in ("-", "/dev/stdin")]
    required = [word for word in options.values("--requirement") if word not in stdin]
    constraints = [*options.values("--constraint"), *_from_environment(environment, f"{prefix}_CONSTRAINT")]
    constraints += options.values("--build-constraint")
    constraints += _from_environment(environment, f"{prefix}_BUILD_CONSTRAINT")
    required += [*options.values("--override"), *options.values("--requirements-from-script")]
    required += _from_environment(environment, f"{prefix}_REQUIREMENT" if tool == "pip" else "UV_OVERRIDE")
    return Asked(
        files=wishes(required) + wishes(constraints, "constraints") + _groups(options),
        named=tuple(found.named),
        local=tuple(found.local),
        stdin=bool(stdin),
        notes=tuple(found.notes),
    )


def _argument(word: Value, found: _Arguments, *, editable: bool) -> None:
    if word.why_unknown and (word.substitutions or not _is_path(word) or split_extras(word)[1]):
        found.notes.append(f"{word.text}: {word.why_unknown}")
    if word.is_one_unknown and not _is_path(word):
        return
    if _URL.match(word.text) or " @ " in word.text:
        found.named.append(f"-e {word.text}" if editable else word.text)
    elif _is_path(word) or editable:
        path, extras = split_extras(word)
        found.local.append(Local(path=path, extras=extras, editable=editable))
    else:
        found.named.append(word.text)


def _is_path(word: Value) -> bool:
    """As pip tells a path from a name: https://github.com/pypa/pip/blob/25.3/src/pip/_internal/req/constructors.py"""
    path = split_extras(word)[0].text.removeprefix("file:")
    if word.substitutions:
        return False
    return path.startswith((".", "/", "~")) or "/" in path or "\\" in path or _ARCHIVE.search(path) is not None


def _groups(options: Options) -> tuple[Wish, ...]:
    """`--group test` of the pyproject.toml here, `--group path:test` of another."""
    by_file: dict[str, list[str]] = {}
    for value in options.values("--group"):
        path, colon, group = value.text.rpartition(":")
        by_file.setdefault(path if colon else "pyproject.toml", []).append(group)
    return tuple(
        Wish(path=Value(path), selection=Selection(groups=tuple(groups), main=False, default_groups=False))
        for path, groups in by_file.items()
    )


def _from_environment(environment: Environment, name: str) -> list[Value]:
    return [Value(path) for path in environment(name).split()]


def read_pip_tools(program: str, words: Sequence[Value]) -> Request | None:
    """`pip-sync` installs; `pip-compile` writes a file that its input does not fix: versions come from the index."""
    options = read_options(words, _PIP_TOOLS)
    if program == "pip-sync":
        return Request(tool="pip", files=wishes(options.rest or [Value("requirements.txt")]))
    if options.has("--dry-run"):
        return None
    output = options.value("--output-file")
    if output is None:
        first = options.rest[0].text if options.rest else "requirements.in"
        output = Value(f"{first.rpartition('.')[0]}.txt" if first.endswith(".in") else "requirements.txt")
    selection = Selection(extras=options.names("--extra"), all_extras=options.has("--all-extras"))
    sources = options.rest or [Value("requirements.in")]
    files = tuple(Wish(path=path, selection=selection) for path in sources)
    return Request(
        tool="pip",
        kind="export",
        files=files + wishes(options.values("--constraint"), "constraints"),
        output=output,
        exact=False,
    )
