"""What changed in the dependencies, as rows of a table that reads like a reviewer's notes: plain text, not escaped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from pycache_action.dependencies.difference import Kind
from pycache_action.wording import NOTHING, count

if TYPE_CHECKING:
    from pycache_action.dependencies.difference import Change, Difference
    from pycache_action.dependencies.model import Requirement


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """One change of a dependency: what it was, what it is now, in a word."""

    name: str
    before: str
    after: str
    what: str
    file: str = ""
    line: int = 0
    direct: bool = True


def tell_changes(difference: Difference) -> tuple[ChangeRow, ...]:
    """Every change of the dependencies, what the project asks for itself first."""
    rows = [_tell_change(change) for change in (*difference.changed, *difference.added, *difference.removed)]
    for options in difference.options_changed:
        rows.append(
            ChangeRow(
                name=options.file,
                before=" ".join(options.removed) or NOTHING,
                after=" ".join(options.added) or NOTHING,
                what="options changed" if options.added or options.removed else "options reordered",
                file=options.file,
            )
        )
    rows += [ChangeRow(name=old, before=old, after=new, what="renamed", file=new) for old, new in difference.renamed]
    rows += [
        ChangeRow(name=path, before=NOTHING, after=NOTHING, what="changed", file=path) for path in difference.unreadable
    ]
    return tuple(sorted(rows, key=lambda row: not row.direct))


def tell_counts(difference: Difference) -> str:
    """`2 added, 1 removed, 3 changed`."""
    counts = (
        (len(difference.added), "added"),
        (len(difference.removed), "removed"),
        (len(difference.changed) + len(difference.options_changed) + len(difference.unreadable), "changed"),
        (len(difference.renamed), "renamed"),
    )
    return ", ".join(f"{number:,} {verb}" for number, verb in counts if number)


_CHANGED = {
    Kind.SOURCE: "other source",
    Kind.UPGRADED: "upgraded",
    Kind.DOWNGRADED: "downgraded",
    Kind.LOOSENED: "loosened",
    Kind.TIGHTENED: "tightened",
    Kind.SPECIFIER: "other versions",
    Kind.EXTRAS: "other extras",
    Kind.MARKER: "other marker",
    Kind.EDITABLE: "editable or not",
    Kind.OPTIONS: "other options",
    Kind.HASHES: "other hashes",
}


def _tell_change(change: Change) -> ChangeRow:
    kind = change.kind if change.before and change.after else None
    either = change.after or change.before
    return ChangeRow(
        name=change.name,
        before=_tell_requirement(change.before, kind),
        after=_tell_requirement(change.after, kind),
        what="added" if not change.before else "removed" if not change.after else _CHANGED[kind] if kind else "changed",
        file=either.source.file if either else "",
        line=either.source.line if either else 0,
        direct=change.direct,
    )


def _tell_requirement(requirement: Requirement | None, kind: Kind | None) -> str:
    """What of a requirement is worth a cell of a table: the part that changed."""
    if requirement is None:
        return NOTHING
    match kind:
        case Kind.SOURCE:
            return requirement.url or requirement.index or "the default index"
        case Kind.EXTRAS:
            return f"[{','.join(requirement.extras)}]" if requirement.extras else "none"
        case Kind.MARKER:
            return requirement.marker or "always"
        case Kind.EDITABLE:
            return "editable" if requirement.editable else "not editable"
        case Kind.OPTIONS:
            return " ".join(requirement.options) or "none"
        case Kind.HASHES:
            return count(len(requirement.hashes), "hash", "hashes")
        case Kind.UPGRADED | Kind.DOWNGRADED | Kind.LOOSENED | Kind.TIGHTENED | Kind.SPECIFIER | None:
            return requirement.version or requirement.specifier or requirement.url or "any version"
        case _:
            assert_never(kind)
