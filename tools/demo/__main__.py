"""`python -m tools.demo`: play the runs, show what each took and why, then the comment."""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.github_api import GitHubApi
from tools.demo import figures, show
from tools.demo.project import COMMENT, PACKAGE, copy_example
from tools.demo.workflow import REPOSITORY, DemoError, Stage, WorkflowRun
from tools.engine import EngineError, ensure_engine, start_registry

if TYPE_CHECKING:
    from tools.demo.workflow import Outcome

RUNS = (
    WorkflowRun(title="First build"),
    WorkflowRun(title="Nothing changed"),
    WorkflowRun(title="A comment added", edit=COMMENT),
    WorkflowRun(title="A package added", edit=PACKAGE, is_pull_request=True),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.demo", description=__doc__)
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="keep figures.json and comment.md, for the pictures"
    )
    arguments = parser.parse_args()
    try:
        play(arguments.keep)
    except (EngineError, DemoError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def play(keep: Path | None) -> None:
    engine = ensure_engine()
    screen = show.Screen([run.title for run in RUNS])
    with ExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="pycache-demo-")))
        github = ending.enter_context(GitHubApi(REPOSITORY))
        registry = start_registry(engine, folder / "registry")
        ending.callback(registry.stop)
        stage = Stage(engine=engine, registry=registry.address, github=github, folder=folder, runners=ending)
        copy_example(stage.project)
        outcomes = play_runs(stage, screen)
        show.show_comment(screen.console, stage.read_comment())
        if keep is not None:
            figures.keep(keep, outcomes, stage.read_comment())
        screen.console.print("The four runners are removed.")


def play_runs(stage: Stage, screen: show.Screen) -> list[Outcome]:
    outcomes = []
    with screen:
        for number, run in enumerate(RUNS):
            screen.begin(number)
            outcomes.append(stage.play(run, screen.tell))
            screen.end(number, outcomes[-1])
    return outcomes


if __name__ == "__main__":
    sys.exit(main())
