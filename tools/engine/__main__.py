"""`python -m tools.engine COMMAND`, or `python3 tools/engine COMMAND`: needs nothing but Python's standard library."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from tools.engine import engine as story
from tools.engine.image_size import measure_action_image
from tools.engine.state import PROJECT, find_state
from tools.engine.steps import EngineError, say
from tools.engine.toolbox import ensure_tools

COMMANDS = """\
commands:
  up           use the engine that is there, or bring one up
  down         end what was started; files stay
  env          print what to export (after up): eval "$(python -m tools.engine env)"
  fresh        start an engine with an empty store; prints its DOCKER_HOST (or the name of an empty builder)
  gone NAME    end the one that `fresh` printed
  image-size   build the action's image and print its compressed size
  tools        build what the workflow tests need (act, actionlint, BuildKit)
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.engine", epilog=COMMANDS, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=("up", "down", "env", "fresh", "gone", "image-size", "tools"))
    parser.add_argument("name", nargs="?", help="for `gone`")
    arguments = parser.parse_args()
    if (arguments.command == "gone") != (arguments.name is not None):
        parser.error("`gone`, and only `gone`, takes what `fresh` printed")
    try:
        perform(arguments.command, arguments.name)
    except EngineError as error:
        say(f"{error}")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def perform(command: str, name: str | None) -> None:
    if command == "down":
        story.take_down(find_state())
        return
    engine = story.ensure_engine()
    match command:
        case "up":
            whose = "ours" if engine.is_ours else "was there"
            say(f"ready at {engine.docker_host} ({whose}), registry {engine.registry}")
        case "env":
            for key, value in engine.environ.items():
                print(f"export {key}={shlex.quote(value)}")
            print(f"export PYCACHE_REGISTRY={shlex.quote(engine.registry)}")
        case "fresh":
            runner = story.start_fresh(engine, owner=None)
            print(runner.builder or runner.docker_host)
        case "image-size":
            print(measure_action_image(engine, PROJECT))
        case "tools":
            tools = ensure_tools(engine)
            say(f"{tools.act}, {tools.actionlint} and {tools.runner_image} are there")
        case "gone":
            assert name
            builder = None if "://" in name else name
            story.end_fresh(engine, story.Runner(engine.docker_host if builder else name, builder))
        case _:
            raise EngineError(f"no command {command}")


if __name__ == "__main__":
    sys.exit(main())
