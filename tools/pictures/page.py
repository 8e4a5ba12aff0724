"""A page that shows Markdown much as GitHub does."""

from __future__ import annotations

from markdown_it import MarkdownIt

_STYLE = """
:root { color-scheme: light; }
body { margin: 0; padding: 24px; background: #fff; color: #1f2328;
       font: 14px/1.5 "Liberation Sans", "DejaVu Sans", sans-serif; }
.box { border: 1px solid #d1d9e0; border-radius: 6px; max-width: WIDTHpx; }
.by { background: #f6f8fa; border-bottom: 1px solid #d1d9e0; border-radius: 6px 6px 0 0; padding: 8px 16px;
      color: #59636e; }
.by b { color: #1f2328; }
.body { padding: 16px; overflow-wrap: break-word; }
.body > :first-child { margin-top: 0; } .body > :last-child { margin-bottom: 0; }
p, ul, ol, table, pre, blockquote, details { margin: 0 0 16px; }
h2, h3, h4 { margin: 24px 0 16px; line-height: 1.25; }
h2 { font-size: 21px; border-bottom: 1px solid #d1d9e0b3; padding-bottom: .3em; }
h3 { font-size: 17.5px; } h4 { font-size: 14px; }
ul { padding-left: 2em; } li > p { margin-top: 16px; }
a { color: #0969da; text-decoration: underline; text-underline-offset: .2em; }
code { font: 85% "DejaVu Sans Mono", monospace; background: #818b981f; padding: .2em .4em; border-radius: 6px;
       white-space: break-spaces; }
h2 code, h3 code { font-size: 85%; }
pre { background: #f6f8fa; border-radius: 6px; padding: 16px; overflow: auto; line-height: 1.45; }
pre code { background: none; padding: 0; white-space: pre; }
table { border-collapse: collapse; display: block; width: max-content; max-width: 100%; overflow: auto; }
th, td { border: 1px solid #d1d9e0; padding: 6px 13px; }
th { font-weight: 600; } tbody tr:nth-child(2n) { background: #f6f8fa; }
blockquote { border-left: .25em solid #d1d9e0; padding: 0 1em; color: #59636e; }
blockquote > :last-child { margin-bottom: 0; }
sub { font-size: 75%; line-height: 0; }
summary { cursor: pointer; }
"""

_SCRIPT = "document.title = String(document.documentElement.scrollHeight)"


def render_page(markdown: str, *, author: str, width: int, unfold: bool) -> str:
    """HTML of one comment (or summary, where nobody is its author); `unfold` opens what is folded."""
    body = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown)
    if unfold:
        body = body.replace("<details>", "<details open>")
    by = f'<div class="by"><b>{author}</b> commented 2 minutes ago</div>' if author else ""
    style = _STYLE.replace("WIDTH", str(width))
    return (
        f'<!doctype html><meta charset="utf-8"><style>{style}</style>'
        f'<div class="box">{by}<div class="body">{body}</div></div><script>{_SCRIPT}</script>'
    )
