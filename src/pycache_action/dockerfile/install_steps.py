"""Which RUN installs which dependency files, with which tool, and by which way they came into the stage."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from pycache_action.dockerfile.expand import UNKNOWN
from pycache_action.dockerfile.origins import Budget, View
from pycache_action.dockerfile.paths import join
from pycache_action.dockerfile.programs import SHELLS, program_name
from pycache_action.dockerfile.script import Script, unreadable
from pycache_action.dockerfile.shell.words import ShellSyntaxError, Value
from pycache_action.dockerfile.shell_state import ShellState
from pycache_action.dockerfile.stage import ImageConfig, StageState, Surroundings
from pycache_action.dockerfile.variables import Variables, proxies

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from pycache_action.dependencies.read import WantedFile
    from pycache_action.dockerfile.context import ContextFiles
    from pycache_action.dockerfile.installers.request import Kind, Tool
    from pycache_action.dockerfile.instructions import Instruction
    from pycache_action.dockerfile.parse import Dockerfile, Stage
    from pycache_action.dockerfile.resolve import InstallCommand

_TOOLS: Final = frozenset(
    {"pip", "setuptools", "wheel", "uv", "poetry", "poetry-core", "poetry-plugin-export", "pdm", "pipenv", "pip-tools"}
    | {"virtualenv", "build", "hatch", "hatchling", "pipx", "flit", "flit-core", "setuptools-scm", "packaging"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallStep:
    """A RUN that installs packages (`kind` "install"), or builds or downloads them for another stage ("wheels").

    `instruction` is for people: one line, no passwords. `wanted` are the dependency files, as paths in the build
    context; `named` the requirements given in the command; `project` the local paths that are installed, as written;
    `unresolved` whatever could not be read from the Dockerfile with certainty, a sentence each: as long as there is
    one, the step may install something else. `commands` has all of this for each command by itself; `tool` is that of
    the command which matters most.
    """

    stage: int
    line: int
    end_line: int
    instruction: str
    tool: Tool
    wanted: tuple[WantedFile, ...] = ()
    named: tuple[str, ...] = ()
    project: tuple[str, ...] = ()
    unresolved: tuple[str, ...] = ()
    kind: Kind = "install"
    commands: tuple[InstallCommand, ...] = ()

    @property
    def only_tools(self) -> bool:
        """Whether the step does no more than install installers: `pip install --upgrade pip`, `pip install uv`."""
        if self.wanted or self.project or self.unresolved or not self.named:
            return False
        return all(_name_of(requirement) in _TOOLS for requirement in self.named)


def find_install_steps(
    dockerfile: Dockerfile,
    context: ContextFiles,
    target: str = "",
    build_args: Mapping[str, str] | None = None,
    *,
    platform: str = "",
    build_contexts: Collection[str] = (),
    images: Mapping[str, ImageConfig] | None = None,
) -> tuple[InstallStep, ...]:
    """The install steps that building `target` runs, in the order of the file.

    `platform` is the target platform, `build_contexts` the names given with `--build-context`, `images` what is known
    of base images, by the name FROM has once its variables are replaced. Raises InputError for an unknown target.
    """
    build_args = build_args or {}
    resolved = dockerfile.resolved(build_args, platform=platform, target=target)
    reader = _Reader(
        dockerfile=resolved,
        context=context,
        build_args=build_args,
        platform=platform,
        target=target,
        build_contexts=frozenset(name.lower() for name in build_contexts),
        images=images or {},
    )
    return tuple(step for stage in resolved.stages_needed(target) for step in reader.read(stage))


class _Reader:
    """Reads stage after stage; a stage sees only those before it, as in BuildKit."""

    def __init__(
        self,
        *,
        dockerfile: Dockerfile,
        context: ContextFiles,
        build_args: Mapping[str, str],
        platform: str,
        target: str,
        build_contexts: Collection[str],
        images: Mapping[str, ImageConfig],
    ) -> None:
        self.dockerfile = dockerfile
        self.build_args = build_args
        self.build_contexts = build_contexts
        self.images = images
        self.done: dict[int, StageState] = {}
        self.views: dict[int, View] = {}
        self.around = Surroundings(
            context=context,
            build_args=build_args,
            build_contexts=build_contexts,
            escape=dockerfile.escape,
            budget=Budget(),
            find_stage=self._find_stage,
        )
        self.outer = dict(dockerfile.outer_variables(build_args, platform=platform, target=target).items())

    def _find_stage(self, name: str) -> View | None:
        stage = self.dockerfile.find_stage(name)
        return self.views.get(stage.index) if stage else None

    def read(self, stage: Stage) -> Iterator[InstallStep]:
        state = self._begin(stage)
        for instruction in self.dockerfile.all_instructions(stage):
            if instruction.keyword == "RUN":
                commands = _read_run(instruction, state)
                if commands:
                    yield _step(instruction, stage.index, commands)
            else:
                state.apply(instruction, self.outer)
        self.done[stage.index] = state
        self.views[stage.index] = state.view()

    def _begin(self, stage: Stage) -> StageState:
        base = self.done.get(stage.base_stage) if stage.base_stage is not None else None
        if base is not None and stage.base_name not in self.build_contexts:
            return StageState(
                index=stage.index,
                around=self.around,
                variables=base.variables.copy(),
                base=self.views[base.index],
                workdir=base.workdir,
                shell=base.shell,
            )
        config = ImageConfig() if stage.base_name == "scratch" else self.images.get(stage.base_name)
        variables = Variables(
            proxies(self.build_args) | dict(config.environment if config else {}),
            others=None if config else UNKNOWN,
            escape=self.dockerfile.escape,
        )
        state = StageState(index=stage.index, around=self.around, variables=variables, base=None)
        if config:
            state.workdir = join("/", config.workdir)
        return state


def _read_run(instruction: Instruction, state: StageState) -> Sequence[InstallCommand]:
    shell = ShellState(
        stage=state, line=instruction.line, mounts=state.mounts(instruction), mounted_at=len(state.layers)
    )
    script = Script(shell)
    if instruction.json:
        script.start(instruction.args)
        return script.installs
    text, interpreter = _text_of(instruction)
    programs = [program_name(Value(word)) for word in interpreter or state.shell]
    if not SHELLS.intersection(programs):
        return unreadable(text, f"it is not a shell script but one for {programs[0] if programs else 'nothing'}")
    try:
        script.run(text)
    except ShellSyntaxError as error:
        return [*script.installs, *unreadable(text, f"the command cannot be read: {error}")]
    return script.installs


def _text_of(instruction: Instruction) -> tuple[str, tuple[str, ...]]:
    """The script of a RUN, and the words of its `#!` line if it has one.

    https://github.com/moby/buildkit/blob/73ed6825c4b7569379ef89df0aedcdbe64473d31/frontend/dockerfile/dockerfile2llb/convert.go#L1395
    """
    text = instruction.args[0] if instruction.args else ""
    if not instruction.heredocs:
        return text, ()
    first = instruction.heredocs[0]
    if len(instruction.heredocs) == 1 and re.fullmatch(r"<<-?\s*[\"']?" + re.escape(first.name) + r"[\"']?", text):
        if first.content.startswith("#!"):
            return first.content, tuple(first.content[2:].split("\n", 1)[0].split())
        return first.content, ()
    documents = "".join(f"\n{heredoc.content}{heredoc.name}" for heredoc in instruction.heredocs)
    return f"{text}{documents}", ()


def _step(instruction: Instruction, stage: int, commands: Sequence[InstallCommand]) -> InstallStep:
    matters = [each for each in commands if each.wanted or each.project or each.unresolved]
    first = (matters or commands)[0]
    return InstallStep(
        stage=stage,
        line=instruction.line,
        end_line=instruction.end_line,
        instruction=instruction.one_line,
        tool=first.tool,
        wanted=tuple(dict.fromkeys(wanted for each in commands for wanted in each.wanted)),
        named=tuple(dict.fromkeys(name for each in commands for name in each.named)),
        project=tuple(dict.fromkeys(path for each in commands for path in each.project)),
        unresolved=tuple(dict.fromkeys(why for each in commands for why in each.unresolved)),
        kind="install" if any(each.kind == "install" for each in commands) else "wheels",
        commands=tuple(commands),
    )


def _name_of(requirement: str) -> str:
    try:
        return canonicalize_name(Requirement(requirement).name)
    except InvalidRequirement:
        return ""
