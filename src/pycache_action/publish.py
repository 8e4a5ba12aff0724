"""Hands a report over to GitHub: outputs, job summary, annotations and the pull request's comment."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pycache_action.buildx.checks import parse_warnings
from pycache_action.failure import find_failure
from pycache_action.github.action_log import write_report
from pycache_action.github.api import GitHubApi
from pycache_action.github.comment import Commented, NotAllowed, put_comment, tell_commented, write_comment_file
from pycache_action.github.pull_request import NoPullRequest, fetch_changed_files, find_pull_request
from pycache_action.github.render import render_comment, render_summary
from pycache_action.github.view import Links
from pycache_action.github.workflow import WorkflowCommands, append_summary, write_outputs
from pycache_action.report import Report, Result
from pycache_action.visible_paths import Folders, runner_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pycache_action.build import Built
    from pycache_action.github.event import WorkflowRun
    from pycache_action.inputs import Inputs


def publish(
    report: Report,
    built: Built,
    inputs: Inputs,
    run: WorkflowRun,
    environ: Mapping[str, str],
    folders: Folders,
    commands: WorkflowCommands,
) -> None:
    """Tell the run's outcome everywhere it is looked for. What cannot be told does not fail the build."""
    temp = Path(environ.get("RUNNER_TEMP") or ".")
    report_file = Path(inputs.report) if inputs.report else temp / f"pycache-report-{report.scope}.json"
    api = GitHubApi(run, inputs.github_token)
    links, commented, comment_file = _comment(report, inputs, run, api, temp)
    failure = None if built.ok else find_failure(built.trace)
    write_report(commands, report, failure)
    if environ.get("DOCKER_BUILD_CHECKS_ANNOTATIONS", "true").lower() != "false":
        _annotate_checks(report, built, commands)
    commands.write(commented)
    _write(commands, report_file, json.dumps(report.to_json(), indent=2) + "\n")
    summary = environ.get("GITHUB_STEP_SUMMARY")
    if summary and environ.get("DOCKER_BUILD_SUMMARY", "true").lower() != "false":
        _attempt(commands, lambda: append_summary(Path(summary), render_summary(report, links, failure)))
    outputs = compute_outputs(
        report,
        built,
        report_path=runner_path(str(report_file), folders),
        comment_path=runner_path(str(comment_file), folders) if comment_file else "",
    )
    output_file = environ.get("GITHUB_OUTPUT")
    if output_file:
        _attempt(commands, lambda: write_outputs(Path(output_file), outputs))


def compute_outputs(report: Report, built: Built, *, report_path: str, comment_path: str) -> dict[str, str]:
    """The step's outputs by name (see `outputs.OUTPUTS`)."""
    return {
        "imageid": report.image_id,
        "digest": report.digest,
        "metadata": json.dumps(built.metadata.values, indent=2) if built.metadata.values else "",
        "cache-hit": "true" if report.result is Result.HIT else "false",
        "cache-result": report.result.value,
        "cache-key": report.key,
        "cache-matched-key": report.matched_key,
        "miss-reason": ",".join(dict.fromkeys(cause.id.value for cause in report.causes)),
        "report": report_path,
        "comment-file": comment_path,
    }


def _annotate_checks(report: Report, built: Built, commands: WorkflowCommands) -> None:
    for warning in parse_warnings(built.metadata.values):
        more = f"\nMore info: {warning.url}" if warning.url else ""
        commands.warning(f"{warning.message}{more}", title=warning.detail, file=report.dockerfile, line=warning.line)


def _comment(
    report: Report, inputs: Inputs, run: WorkflowRun, api: GitHubApi, temp: Path
) -> tuple[Links, str, Path | None]:
    """Post the comment; what came of it in one line; the file with its body where somebody else has to post it."""
    if inputs.comment == "never" or not run.repository:
        return Links(run), "No comment: comment is never.", None
    number = find_pull_request(api, run)
    if isinstance(number, NoPullRequest):
        return Links(run), f"No comment: {number.reason}.", None
    changed = fetch_changed_files(api, number) if report.missed else frozenset()
    links = Links(run, number, changed)
    body = render_comment(report, links)
    commented: Commented = put_comment(api, run, number, report, body, mode=inputs.comment)
    file = write_comment_file(temp, report, body) if isinstance(commented, NotAllowed) else None
    return links, tell_commented(commented), file


def _write(commands: WorkflowCommands, path: Path, text: str) -> None:
    def write() -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)  # we are root in the container, later steps are not

    _attempt(commands, write)


def _attempt(commands: WorkflowCommands, write: Callable[[], None]) -> None:
    try:
        write()
    except OSError as error:
        commands.warning(f"{error.filename or 'A file'} could not be written: {error.strerror}.")
