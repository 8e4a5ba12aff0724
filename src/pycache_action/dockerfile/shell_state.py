"""What a shell knows while it runs the commands of a RUN: variables, folders, and the files there are so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pycache_action.dockerfile.expand import UNKNOWN, Unknown
from pycache_action.dockerfile.paths import join
from pycache_action.dockerfile.shell.words import Value, Word, evaluate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pycache_action.dockerfile.origins import Layer, View
    from pycache_action.dockerfile.stage import StageState

Scope = tuple[int, ...]

_OLD_FOLDER: Final = "${OLDPWD}"


@dataclass(slots=True, kw_only=True)
class ShellState:
    """One RUN on `line` of a stage; what its commands write becomes layers of the stage, below its mounts."""

    stage: StageState
    line: int
    mounts: tuple[Layer, ...]
    mounted_at: int
    values: dict[str, str | Unknown | None] = field(default_factory=dict)
    folders: dict[Scope, str] = field(default_factory=dict)

    def folder(self, scope: Scope) -> str:
        """The working directory of a subshell: the nearest that was set around it."""
        while scope and scope not in self.folders:
            scope = scope[:-1]
        return self.folders.get(scope, self.stage.workdir)

    def change_folder(self, words: Sequence[Value], scope: Scope) -> None:
        """`cd`."""
        to = next((word for word in words if word.text == "-" or not word.text.startswith("-")), Value("${HOME}"))
        known = to.text != "-" and not to.substitutions
        self.folders[scope] = self.path(to, scope) if known else _OLD_FOLDER

    def lookup(self, name: str) -> str | Unknown | None:
        if name in self.values:
            return self.values[name]
        if name == "PWD":
            return self.folder(())
        return self.stage.variables.lookup(name)

    def environment(self, name: str) -> str:
        """The value of a variable; empty if it is not known."""
        value = self.lookup(name)
        return value if isinstance(value, str) else ""

    def evaluate(self, words: Sequence[Word]) -> tuple[Value, ...]:
        return tuple(value for word in words for value in evaluate(word, self.lookup))

    def assigned(self, word: Word) -> str | Unknown:
        """What a variable holds after `NAME=word`."""
        values = evaluate(word, self.lookup)
        return " ".join(value.text for value in values) if all(value.known for value in values) else UNKNOWN

    def path(self, word: Value, scope: Scope) -> str:
        """A word as an absolute path."""
        return join(self.folder(scope), self.stage.native(word.text))

    def view(self) -> View:
        return self.stage.view(self.mounts, self.mounted_at)

    def write(self, layer: Layer) -> None:
        self.stage.layers.append(layer)
