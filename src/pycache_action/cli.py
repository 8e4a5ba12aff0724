"""The edge towards people: `pycache build | key`."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from pycache_action import __version__
from pycache_action.buildx.builder import choose_builder
from pycache_action.buildx.checks import parse_warnings
from pycache_action.buildx.client import find_buildx
from pycache_action.buildx.options import Surroundings, needs_container
from pycache_action.cache.backend import Local, choose_backend, parse_cache
from pycache_action.cache.naming import Branches
from pycache_action.cache.store import find_helper
from pycache_action.defaults import DEFAULTS_FILE, read_defaults
from pycache_action.errors import CacheMissed, InputError, PycacheError
from pycache_action.failure import find_failure
from pycache_action.inputs import OPTIONS, Inputs
from pycache_action.job import Job, identify
from pycache_action.process import SystemProcesses
from pycache_action.project import read_project
from pycache_action.run import run
from pycache_action.settings import Kind, Option
from pycache_action.terminal import TerminalLog, make_console, print_report
from pycache_action.wording import count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pycache_action.dependencies.model import DependencyFile


LAPTOP = Branches(own="laptop", readable=("laptop",))


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="pycache", message="%(prog)s %(version)s")
def main() -> None:
    """Build Docker images of Python projects without installing anything twice."""


def _inputs(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the context as its argument and every other input as an option of the same name."""
    for option in reversed(OPTIONS):
        if option.field != "context":
            command = _click_option(option)(command)
    return click.argument("context", default=".")(command)


def _click_option(option: Option) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return click.option(
        *option.declarations,
        default=None,
        multiple=option.kind in (Kind.LIST, Kind.LINES),
        is_flag=option.kind is Kind.BOOLEAN,
        help=option.description,
    )


@main.command()
@_inputs
def build(context: str, **given: Any) -> None:
    """Build CONTEXT, a folder or Git URL, with what the cache has."""
    with _errors_for_people():
        inputs = _read_inputs(context, given)
        _check_report(inputs.report)
        environment = _child_environment()
        buildx = find_buildx(SystemProcesses(), environment)
        builder = choose_builder(buildx, inputs.builder, join=False, in_container=needs_container(inputs))
        backend = choose_backend(
            parse_cache(inputs.cache),
            environ=environment,
            cache_ref=inputs.cache_ref,
            folder=_cache_folder(environment),
        )
        job = Job(
            inputs=inputs,
            surroundings=Surroundings(builder=builder.name, skip_unpack=builder.containerd_store),
            backend=backend,
            branches=LAPTOP if isinstance(backend, Local) else _find_branches(Path(context)),
            image=Path(context).resolve().name,
            helper=find_helper(environment),
            may_not_save="save: never" if inputs.save == "never" else "",
        )
        console = make_console(sys.stdout, colour=not environment.get("NO_COLOR"))
        report, built = run(job, buildx.on(builder.name), TerminalLog(console))
        print_report(console, report, None if built.ok else find_failure(built.trace))
        for warning in parse_warnings(built.metadata.values):
            console.print(f"{report.dockerfile}, {warning}")
        if inputs.call:
            click.echo(built.stdout, nl=False)
        if inputs.report:
            Path(inputs.report).write_text(json.dumps(report.to_json(), indent=2) + "\n")
        if not built.ok:
            sys.exit(built.exit_code)
        if inputs.fail_on_cache_miss and report.missed:
            raise CacheMissed(
                "An install step was not cached, and fail-on-cache-miss is set.",
                hint="The image is built. The report above says why the step ran.",
            )


@main.command()
@_inputs
def key(context: str, **given: Any) -> None:
    """Print the cache key of CONTEXT, then which file gave which part of it."""
    with _errors_for_people():
        inputs = _read_inputs(context, given)
        project = read_project(inputs, Path(context))
        job = Job(
            inputs=inputs,
            surroundings=Surroundings(),
            backend=Local(Path()),
            branches=LAPTOP,
            image=Path(context).resolve().name,
            helper="",
        )
        identity = identify(job, project)
        click.echo(identity.key)
        click.echo(f"  scope {identity.scope}")
        for file in project.dependencies.files:
            click.echo(f"  {_tell_file(file)}")
            for requirement in file.requirements:
                click.echo(f"    {requirement}" + ("" if requirement.direct else "  (others need it)"))
        for warning in project.warnings:
            click.echo(f"  warning: {warning}", err=True)


def _tell_file(file: DependencyFile) -> str:
    """Which part of it counts, and how: `uv.lock (extra web): 8 requirements`."""
    asked_for = (
        file.wanted_by if file.wanted_by.startswith(file.path) else f"{file.path}, which {file.wanted_by} includes"
    )
    if not file.is_understood:
        return f"{asked_for}: counts by its bytes"
    return f"{asked_for}: {count(len(file.requirements), file.role.rstrip('s'))}"


def _read_inputs(context: str, given: dict[str, Any]) -> Inputs:
    return Inputs.from_values({**given, "context": context}, read_defaults(Path(context, DEFAULTS_FILE)))


def _find_branches(context: Path) -> Branches:
    """A laptop reads what the default branch saved and writes under a name of its own, which no workflow reads."""
    for folder in (context.resolve(), *context.resolve().parents):
        head = folder / ".git/refs/remotes/origin/HEAD"
        if head.is_file():
            default = head.read_text().strip().removeprefix("ref: refs/remotes/origin/")
            return Branches(own=LAPTOP.own, readable=(LAPTOP.own, default))
    return LAPTOP


def _child_environment() -> dict[str, str]:
    """A job that hands its cache service's address and token to a step leaves out the version, without which buildx drops it."""
    environment = dict(os.environ)
    if environment.get("ACTIONS_RESULTS_URL"):
        environment.setdefault("ACTIONS_CACHE_SERVICE_V2", "1")
    return environment


def _check_report(name: str) -> None:
    """Before the build, which may take long. Raises `InputError`."""
    path = Path(name)
    if name and (path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK)):
        raise InputError(f"report: {name!r} cannot be written", hint="Name a file in a folder that exists.")


def _cache_folder(environment: dict[str, str]) -> Path:
    """https://specifications.freedesktop.org/basedir-spec/latest/"""
    home = environment.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(home, "pycache-action")


@contextlib.contextmanager
def _errors_for_people() -> Iterator[None]:
    """What a user can cause ends with a sentence and an exit code; ending the program ends the build too."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    except PycacheError as error:
        click.echo(f"pycache: {error.message}", err=True)
        if error.hint:
            click.echo(f"  {error.hint}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        click.echo("pycache: ended; nothing was saved", err=True)
        sys.exit(130)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
