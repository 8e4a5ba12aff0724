"""Which dependency files a command prints, for requirements that come through a pipe or go into a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pycache_action.dependencies.read import WantedFile
from pycache_action.dockerfile.origins import Origin
from pycache_action.dockerfile.programs import Program, find_program, read_request
from pycache_action.dockerfile.resolve import Found, Resolver
from pycache_action.dockerfile.shell.commands import Command, parse_script
from pycache_action.dockerfile.shell.words import ShellSyntaxError, Value
from pycache_action.dockerfile.writers import FILTERS, files_read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pycache_action.dockerfile.installers.request import Request
    from pycache_action.dockerfile.shell_state import Scope, ShellState


def resolve_request(request: Request, state: ShellState, scope: Scope) -> Found:
    """The files that an installer is asked to read, and what is unresolved about them."""
    resolver = Resolver(
        view=state.view(),
        path_of=lambda word: state.path(word, scope),
        stream=lambda script: find_printed(script, state, scope),
    )
    found = resolver.resolve(request)
    if request.kind != "export" or request.exact:
        return found
    return Found(found.wanted, (*found.unresolved, f"made by line {state.line}, from what the index has at the time"))


def find_printed(script: str, state: ShellState, scope: Scope) -> Found | None:
    """The dependency files that a script prints, as far as its last command tells."""
    try:
        commands = parse_script(script, state.stage.around.escape)
    except ShellSyntaxError:
        return None
    return printed_by(commands[-1], state, scope) if commands else None


def printed_by(command: Command, state: ShellState, scope: Scope, program: Program | None = None) -> Found | None:
    """The dependency files that a command prints; None if it prints something else."""
    program = program or find_program(state.evaluate(command.words))
    request = read_request(program, state.environment)
    if request is not None and request.kind == "export" and request.output is None:
        return resolve_request(request, state, scope)
    inputs = state.evaluate([redirect.target for redirect in command.redirects if redirect.operator == "<"])
    if program.name not in FILTERS and (program.name or not inputs):
        return None
    files = (*files_read(program.name, program.words), *inputs)
    if files:
        found: Found | None = read_files(files, state, scope)
    else:
        found = printed_by(command.source, state, scope) if command.source else None
    if found is None or program.name in ("cat", ""):
        return found
    note = f"it is what {program.name} leaves of {', '.join(word.text for word in files) or 'what comes before it'}"
    return Found(found.wanted, (*found.unresolved, note))


def read_files(files: Sequence[Value], state: ShellState, scope: Scope) -> Found:
    """Files that are read as requirements by another program than the installer."""
    view = state.view()
    wanted: dict[WantedFile, None] = {}
    unresolved: dict[str, None] = {}
    for word in files:
        origin = view.find(state.path(word, scope))
        if origin is None or origin == Origin():
            unresolved[f"{word.text}: nothing copies it from the build context"] = None
            continue
        wanted.update(dict.fromkeys((WantedFile(origin.path), *origin.wanted) if origin.path else origin.wanted))
        if origin.doubt:
            unresolved[f"{word.text}: {origin.doubt}"] = None
    return Found(tuple(wanted), tuple(unresolved))
