"""Comment and summary as GitHub would get them: what they tell, that they fit, that nobody else speaks in them."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from tests.support import reports
from tests.unit.github.test_markdown import HOSTILE

from pycache_action.causes import Cause, CauseId
from pycache_action.dependencies.difference import Change, Difference, Kind
from pycache_action.dependencies.model import Requirement, Source
from pycache_action.failure import Failure
from pycache_action.github.render import render_comment, render_summary
from pycache_action.github.view import Links
from pycache_action.report import Report, Result

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
LINKS = Links(reports.PULL_REQUEST, 128, frozenset({"requirements.txt"}))
OUR_HTML = re.compile(r"</?details( open)?>|<summary>[\w ,:.]*</summary>|</?sub>")


def parse(markdown: str) -> tuple[list[str], list[str], list[str], str]:
    """Kinds of block, addresses of links, HTML and plain text (outside code) of a page."""
    kinds, addresses, html, text = [], [], [], []
    for token in PARSER.parse(markdown):
        if token.type == "html_block":
            html.append(token.content)
        for child in token.children or ():
            match child.type:
                case "text":
                    text.append(child.content)
                case "html_inline":
                    html.append(child.content)
                case "link_open":
                    addresses.append(str(child.attrs["href"]))
                case "image":
                    addresses.append("image")
                case _:
                    pass
        kinds.append(token.type)
    return kinds, addresses, html, "".join(text)


def assert_only_ours(markdown: str) -> None:
    _, addresses, html, text = parse(markdown)
    assert not OUR_HTML.sub("", "".join(html)).strip(), html
    assert [each for each in addresses if not each.startswith("https://github.com/acme/shop/")] == []
    assert not set(text) & set("@<>[]"), text
    assert "://" not in text


@pytest.mark.parametrize("name", list(reports.SAMPLES))
def test_render__samples_are_sound(name: str) -> None:
    report = reports.SAMPLES[name]()
    for markdown in (render_comment(report, LINKS), render_summary(report, LINKS, reports.FAILURE)):
        assert_only_ours(markdown)
        assert "`ghcr.io/acme/" in markdown.splitlines()[0]
        assert "None" not in markdown


def test_render_comment__dependencies_changed() -> None:
    comment = render_comment(reports.dependencies_changed(), LINKS)
    assert comment.startswith(
        "### Everything was installed again: `ghcr.io/acme/shop:pr-128`\n\n"
        "All 28 packages were installed, which took 38 s.\n\n**Why**\n\n- [`requirements.txt:14`]("
    )
    assert "| `requests` | `2.31.0` | `2.32.3` | upgraded |\n" in comment
    assert "<summary>4 changes of packages that others need</summary>" in comment
    assert "- Saved 5 layers (84 MB) in 3.2 s for the next build.\n" in comment
    assert "[workflow run](https://github.com/acme/shop/actions/runs/7423185001)" in comment


def test_render_comment__shows_the_lines_to_write() -> None:
    comment = render_comment(reports.copied_first(), LINKS)
    assert "  ```dockerfile\n  COPY requirements.txt .\n  RUN pip install" in comment


def test_render_comment__of_a_hit_is_the_same_on_the_next_push() -> None:
    def push(run_id: str, sha: str, digest: str) -> str:
        run = dataclasses.replace(reports.PULL_REQUEST, run_id=run_id, sha=sha, head_sha=sha)
        report = reports.make_report(digest=digest, timings=reports.dependencies_changed().timings)
        return render_comment(report, Links(run, 128))

    assert push("1", "a" * 40, "sha256:1") == push("2", "b" * 40, "sha256:2")


def test_render_comment__has_nothing_a_build_printed() -> None:
    comment = render_comment(reports.failed(), LINKS)
    assert "No matching distribution" not in comment
    assert "No matching distribution" in render_summary(reports.failed(), LINKS, reports.FAILURE)


def test_render_comment__without_a_run_links_nothing() -> None:
    _, addresses, _, _ = parse(render_comment(reports.dependencies_changed(), Links()))
    assert addresses == []


def test_render_summary__looks_like_dockers_own() -> None:
    summary = render_summary(reports.two_platforms(), LINKS)
    assert "| ID | Name | Line | Status | Packages | Cached | Duration | Why |" in summary
    assert "| ran | 41\u00a0installed | 0% | 1\u00a0min\u00a012\u00a0s | `base-image-changed` |" in summary
    assert "| cached | 12\u00a0cached | 100% | – | – |" in summary  # noqa: RUF001


def test_render_summary__names_the_line_that_failed() -> None:
    summary = render_summary(reports.failed(), LINKS, reports.FAILURE)
    assert "> **Error** in [`Dockerfile:7`](https://github.com/acme/shop/blob/" in summary
    assert "> `RUN pip install --no-cache-dir -r requirements.txt` ended with exit code 1." in summary


def test_render_summary__of_a_failure_without_details() -> None:
    report = dataclasses.replace(reports.failed(), error="no builder", steps=(), difference=None)
    assert "> no builder" in render_summary(report, LINKS)


def test_links__to_the_diff_where_the_pull_request_changes_the_file() -> None:
    digest = "4d7c51b1efe9043e44439a949dfd92e5827321b34082903477fd04876edb7552"
    assert LINKS.to("requirements.txt", 3) == (f"https://github.com/acme/shop/pull/128/files#diff-{digest}R3")
    assert LINKS.to("docker/Dockerfile", 3) == (
        f"https://github.com/acme/shop/blob/{reports.HEAD}/docker/Dockerfile#L3"
    )
    assert LINKS.to("docker/Dockerfile", 0).endswith("/docker/Dockerfile")


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../outside"])
def test_links__not_outside_the_repository(path: str) -> None:
    assert LINKS.to(path, 1) == ""


def test_links__quote_what_ends_an_address() -> None:
    address = LINKS.to("a b)(<c>?#%.txt", 1)
    assert address.endswith("/a%20b%29%28%3Cc%3E%3F%23%25.txt#L1")


def hostile_report(text: str, result: Result = Result.MISS) -> Report:
    """The same text wherever a project has a say."""
    source = Source("requirements.txt", 1)
    requirement = Requirement(name=text, specifier=text, marker=text, url=text, source=source)
    other = dataclasses.replace(requirement, specifier="==1")
    cause = Cause(
        id=CauseId.DEPENDENCIES_CHANGED,
        message=text,
        file=text,
        line=3,
        fix=f"{text}\n    {text}",
        evidence={"x": text},
    )
    step = reports.make_step(
        instruction=text, stage=text, platform=text, cached=False, seconds=1.0, causes=(cause,), packages=None
    )
    change = Change(role="requirements", before=requirement, after=other, kinds=(Kind.SPECIFIER,))
    return reports.make_report(
        result=result,
        image=text,
        scope=text,
        key=text,
        matched_key=f"{text}x",
        backend=text,
        dockerfile=text,
        plan_kind="plain",
        plan_reason=text,
        steps=(step, step),
        difference=Difference(changed=(change,), renamed=((text, text),), unreadable=(text,)),
        saved=dataclasses.replace(reports.hit().saved, reason=text),
        digest=text,
        image_id=text,
        error=text,
        warnings=(text,),
    )


def skeleton(markdown: str) -> list[str]:
    """The blocks of a page: hostile text must not add or take one."""
    return [kind for kind in parse(markdown)[0] if kind != "inline"]


FAILED = Failure(error="x", step="[1/1] RUN x", log="x", line=1)


@pytest.mark.parametrize("result", list(Result))
@pytest.mark.parametrize("text", [*HOSTILE, "::error::x", "##[error]x", "\r\n\r\n", "a\u2028b", "| x |\n|---|\n"])
def test_render__nobody_else_speaks(text: str, result: Result) -> None:
    report, plain = hostile_report(text, result), hostile_report("word", result)
    failure = dataclasses.replace(FAILED, error=text, step=f"[1/1] {text}", log=text)
    for hostile, harmless in (
        (render_comment(report, LINKS), render_comment(plain, LINKS)),
        (render_summary(report, LINKS, failure), render_summary(plain, LINKS, FAILED)),
    ):
        assert_only_ours(hostile)
        if text.replace("`", "").strip():
            assert skeleton(hostile) == skeleton(harmless)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(
    st.one_of(
        st.text(alphabet=st.characters(), max_size=60),
        st.text(alphabet=st.sampled_from("`|\\ab1.@#[]()<>!*_~-&+=:/\n\r$'\""), max_size=60),
    )
)
def test_render__nobody_else_speaks_whatever_is_said(text: str) -> None:
    report = hostile_report(text)
    assert_only_ours(render_comment(report, LINKS))
    assert_only_ours(render_summary(report, LINKS, dataclasses.replace(FAILED, error=text, step=text, log=text)))


def huge_report() -> Report:
    """More of everything than anybody has."""
    long = "`" * 50 + "\U000e0041" * 200 + "x" * 5000

    def change(number: int, direct: bool) -> Change:
        return Change(
            role="requirements",
            before=None,
            after=Requirement(
                name=f"{number}-{long}", specifier=f"=={long}", direct=direct, source=Source("requirements.txt", number)
            ),
        )

    causes = tuple(
        Cause(id=CauseId.COPIED_FILES_CHANGED, message=f"{number} {long}", file=long, line=number, fix=long * 3)
        for number in range(50)
    )
    step = reports.make_step(instruction=long, stage=long, cached=False, seconds=1.0, causes=causes)
    return reports.make_report(
        result=Result.MISS,
        image=long,
        scope=long,
        backend=long * 10,
        steps=(step,) * 300,
        difference=Difference(added=tuple(change(number, number % 2 == 0) for number in range(2000))),
        warnings=(long,) * 500,
    )


def test_render_comment__fits_whatever_comes_in() -> None:
    comment = render_comment(huge_report(), LINKS)
    assert len(comment) < 65_536 - 1000
    assert "more rows do not fit here." in comment
    assert_only_ours(comment)


def test_render_summary__fits_whatever_comes_in() -> None:
    summary = render_summary(huge_report(), LINKS, dataclasses.replace(FAILED, log="`x" * 10**6))
    assert len(summary.encode()) < 1024 * 1024
    assert_only_ours(summary)


def test_render_comment__shows_as_much_as_fits() -> None:
    changes = tuple(reports.make_change(f"package-{number}", "1.0", "2.0") for number in range(100))
    report = dataclasses.replace(reports.dependencies_changed(), difference=Difference(changed=changes))
    comment = render_comment(report, LINKS)
    assert comment.count("| upgraded |") == 100
    assert "85 more changes" in comment
    assert "do not fit" not in comment
