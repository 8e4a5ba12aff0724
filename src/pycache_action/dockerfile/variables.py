"""What each variable holds at each place of a Dockerfile: build arguments, ARG and ENV, in order.

The order is BuildKit's: a later ARG or ENV of the same name wins, whichever of the two it is; an ARG before the first
FROM is seen by FROM alone until a stage declares it again; a stage built on another stage starts with what that one
ended with.
https://github.com/moby/buildkit/blob/73ed6825c4b7569379ef89df0aedcdbe64473d31/frontend/dockerfile/dockerfile2llb/convert.go
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pycache_action.dockerfile.expand import UNKNOWN, Expanded, ExpansionError, Unknown, expand

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pycache_action.dockerfile.instructions import Instruction

_PLATFORM: Final = ("PLATFORM", "OS", "OSVERSION", "ARCH", "VARIANT")
_PROXIES: Final = frozenset({"http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"})
_NOT_IN_ENVIRONMENT: Final = frozenset({"BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"})


class Variables:
    """The variables at one place; it moves on as instructions are applied.

    `others` says what a name that nothing has set so far holds: nothing, or something unknown that the base image may
    have set.
    """

    def __init__(self, values: Mapping[str, str | Unknown], *, others: Unknown | None, escape: str) -> None:
        self._values: dict[str, str | Unknown | None] = dict(values)
        self._others = others
        self._escape = escape

    def copy(self) -> Variables:
        fresh = Variables({}, others=self._others, escape=self._escape)
        fresh._values = dict(self._values)
        return fresh

    def lookup(self, name: str) -> str | Unknown | None:
        return self._values.get(name, self._others)

    def set(self, name: str, value: str | Unknown | None) -> None:
        self._values[name] = value

    def expand(self, word: str) -> Expanded:
        """Raises ExpansionError."""
        return expand(word, self.lookup, escape=self._escape)

    def apply_env(self, instruction: Instruction) -> None:
        """ENV: every value is expanded with what stood before the instruction, then all are set."""
        pairs = zip(instruction.args[::2], instruction.args[1::2], strict=False)
        for name, value in [(self.expand(name).text, self.expand(value).text) for name, value in pairs]:
            self.set(name, value)

    def apply_arg(
        self, instruction: Instruction, build_args: Mapping[str, str], outer: Mapping[str, str | Unknown]
    ) -> None:
        """ARG in a stage: the build argument, else the default, else what `outer` (before the first FROM) has.

        Raises ExpansionError.
        """
        for word in instruction.args:
            name, equals, default = word.partition("=")
            value: str | Unknown | None
            if name in build_args:
                value = build_args[name]
            elif equals:
                value = self.expand(default).text
            else:
                value = outer.get(name)
            if value is not None and name not in _NOT_IN_ENVIRONMENT:
                self.set(name, value)
            elif name not in self._values:
                # Declared and given no value: the base image could still have it, but nobody writes that.
                self.set(name, None)


def compute_outer_variables(
    meta_args: Iterable[Instruction],
    build_args: Mapping[str, str],
    *,
    escape: str,
    platform: str = "",
    target: str = "",
) -> dict[str, str | Unknown]:
    """What FROM sees: the predefined platform arguments and every ARG before the first FROM.

    `platform` is the target platform (`linux/arm64`, `linux/arm/v7`); without it the arguments that name it are
    unknown, as are those of the builder's own platform, and a default that cannot be expanded (`${X:?}` without X).
    """
    values: dict[str, str | Unknown] = {f"BUILD{part}": UNKNOWN for part in _PLATFORM}
    values |= {f"TARGET{part}": UNKNOWN for part in _PLATFORM}
    if platform:
        system, _, rest = platform.partition("/")
        architecture, _, variant = rest.partition("/")
        parts = (platform, system, "", architecture, variant)
        values |= {f"TARGET{part}": value for part, value in zip(_PLATFORM, parts, strict=True)}
    values["TARGETSTAGE"] = target or UNKNOWN
    values |= {name: value for name, value in build_args.items() if name in values}
    variables = Variables(values, others=None, escape=escape)
    for instruction in meta_args:
        for word in instruction.args:
            name, equals, default = word.partition("=")
            if name in build_args:
                values[name] = build_args[name]
            elif equals:
                values[name] = _value(default, variables)
            if name in values:
                variables.set(name, values[name])
    return values


def _value(default: str, variables: Variables) -> str | Unknown:
    try:
        return variables.expand(default).text
    except ExpansionError:
        return UNKNOWN


def proxies(build_args: Mapping[str, str]) -> dict[str, str]:
    """The build arguments that every RUN has in its environment although no ARG declares them."""
    return {name: value for name, value in build_args.items() if name.lower() in _PROXIES}
