"""The edge towards GitHub: the job's environment in; outputs, summary, annotations, comment and exit code out."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from pycache_action.buildx.builder import choose_builder
from pycache_action.buildx.client import find_buildx
from pycache_action.buildx.options import Origin, Surroundings, needs_container
from pycache_action.cache.backend import Registry, choose_backend, parse_cache
from pycache_action.cache.store import find_helper
from pycache_action.defaults import DEFAULTS_FILE, read_defaults
from pycache_action.errors import BuilderUnavailable, CacheMissed, InputError, PycacheError
from pycache_action.github.action_log import ActionLog
from pycache_action.github.event import WorkflowRun, default_context
from pycache_action.github.workflow import WorkflowCommands
from pycache_action.inputs import Inputs
from pycache_action.job import Job
from pycache_action.process import SystemProcesses
from pycache_action.publish import publish
from pycache_action.registry_login import find_logins, find_missing_logins, write_docker_config
from pycache_action.run import run
from pycache_action.visible_paths import find_folders, translate_paths

if TYPE_CHECKING:
    from collections.abc import Mapping

ISSUES = "https://github.com/org/pycache-action/issues"


def main() -> None:
    """Run the action and end with its exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    commands = WorkflowCommands(sys.stdout)
    try:
        sys.exit(act(os.environ, commands))
    except PycacheError as error:
        commands.error(f"{error.message}\n{error.hint}".strip(), title=error.title)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        commands.notice("The step was ended; nothing was saved.")
        sys.exit(130)
    except Exception:  # noqa: BLE001 (said to be a fault of ours, with the traceback folded into the log)
        commands.write(traceback.format_exc())
        commands.error(
            f"This is a fault of pycache-action. Please report it, with the log: {ISSUES}", title="Internal error"
        )
        sys.exit(1)


def act(environ: Mapping[str, str], commands: WorkflowCommands) -> int:
    """Do what the inputs ask for; the exit code is the build's. Raises `PycacheError`."""
    _check_machine()
    workspace = Path(environ.get("GITHUB_WORKSPACE") or ".")
    folders = find_folders(environ)
    inputs = translate_paths(Inputs.from_environ(environ, read_defaults(workspace / DEFAULTS_FILE)), folders)
    commands.mask(*inputs.secret_values)
    workflow_run = WorkflowRun.from_environ(environ, _read_event(environ))
    if not inputs.context and not workflow_run.repository:
        raise InputError("context: none is given, and there is no repository to fetch", hint="Write context: .")
    with tempfile.TemporaryDirectory(prefix="pycache-docker-") as folder:
        _log_in(inputs, workflow_run, environ, Path(folder))
        child = _child_environment(environ, Path(folder))
        buildx = find_buildx(SystemProcesses(), child)
        builder = choose_builder(buildx, inputs.builder, join=True, in_container=needs_container(inputs))
        job = make_job(inputs, workflow_run, environ, containerd_store=builder.containerd_store, builder=builder.name)
        report, built = run(job, buildx.on(builder.name), ActionLog(commands))
    if inputs.call:
        commands.write(built.stdout)
    publish(report, built, inputs, workflow_run, environ, folders, commands)
    if built.ok and inputs.fail_on_cache_miss and report.missed:
        raise CacheMissed(
            "An install step was not cached, and fail-on-cache-miss is set.",
            hint="The image is built, and pushed if that was asked for. The job summary says why the step ran.",
        )
    return built.exit_code


def make_job(
    inputs: Inputs, workflow_run: WorkflowRun, environ: Mapping[str, str], *, builder: str, containerd_store: bool
) -> Job:
    """What this workflow run asks for."""
    cache_mode = environ.get("ACTIONS_CACHE_MODE", "")
    backend = choose_backend(
        parse_cache(inputs.cache),
        environ=environ,
        cache_ref=inputs.cache_ref,
        folder=Path(environ.get("RUNNER_TEMP") or ".", "pycache-action"),
    )
    may_read, may_save = workflow_run.may_read(cache_mode), workflow_run.may_save(cache_mode)
    match inputs.save:
        case "never":
            may_not_save = "save is never"
        case "always":
            may_not_save = ""
        case _:
            may_not_save = may_save.reason
    return Job(
        inputs=inputs,
        surroundings=Surroundings(
            builder=builder,
            origin=Origin(
                git_context=default_context(workflow_run), run_url=workflow_run.run_url, private=workflow_run.private
            ),
            default_attestations=environ.get("BUILDX_NO_DEFAULT_ATTESTATIONS", "").lower() not in ("1", "true"),
            skip_unpack=containerd_store,
        ),
        backend=backend,
        branches=workflow_run.branches,
        image=workflow_run.repository,
        helper=find_helper(environ),
        may_not_read=may_read.reason,
        may_not_save=may_not_save,
    )


def _check_machine() -> None:
    if not sys.platform.startswith("linux"):
        raise BuilderUnavailable(
            f"pycache-action runs on Linux runners, and this is {sys.platform}", hint="Write runs-on: ubuntu-latest."
        )


def _log_in(inputs: Inputs, workflow_run: WorkflowRun, environ: Mapping[str, str], folder: Path) -> None:
    """Put all logins into `folder`. Raises `InputError` where a push would fail for want of one."""
    pushed = inputs.tags if inputs.push else ()
    caches = _cache_references(inputs)
    existing = environ.get("DOCKER_CONFIG")
    logins = find_logins(inputs, workflow_run.actor, (*pushed, *caches))
    write_docker_config(folder, logins, Path(existing) if existing else None)
    missing = find_missing_logins(folder, pushed)
    if missing:
        raise InputError(
            f"push: there is no login for {missing[0]}",
            hint="A container action does not see the logins of docker/login-action. Give them to this step:\n"
            f"  registry: {missing[0]}\n  username: ${{{{ github.actor }}}}\n  password: ${{{{ secrets.YOUR_TOKEN }}}}",
        )


def _cache_references(inputs: Inputs) -> tuple[str, ...]:
    cache = parse_cache(inputs.cache)
    return tuple(each for each in (cache.ref if isinstance(cache, Registry) else "", inputs.cache_ref) if each)


def _child_environment(environ: Mapping[str, str], docker_config: Path) -> dict[str, str]:
    """What buildx gets to see: not the inputs, which hold secrets; and the service version the runner leaves out."""
    child = {name: value for name, value in environ.items() if not name.startswith("INPUT_")}
    child["DOCKER_CONFIG"] = str(docker_config)
    if environ.get("ACTIONS_RESULTS_URL"):
        child["ACTIONS_CACHE_SERVICE_V2"] = "1"
    return child


def _read_event(environ: Mapping[str, str]) -> dict[str, Any]:
    try:
        event = json.loads(Path(environ.get("GITHUB_EVENT_PATH", "")).read_text())
    except (OSError, ValueError):
        return {}
    return event if isinstance(event, dict) else {}


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
