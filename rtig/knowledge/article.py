"""An article as it is written: YAML between two lines of dashes, then Markdown that becomes a card's body and steps."""

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from rtig.knowledge.yamlfile import File

_TAGS = {
    "a", "blockquote", "br", "code", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "strong",
    "ul",
}  # fmt: skip
"""What a card may hold. No images: an agent's screen asks no other machine for anything."""
_markdown = MarkdownIt("commonmark")


def front_matter(file: File, text: str) -> tuple[str | None, str, int]:
    """An article's YAML, its Markdown, and the line on which the Markdown begins."""
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        file.wrong(
            (1, 1), "there is no front matter", "Begin with a line `---`, then `id`, `title` and so on, then `---`"
        )
        return None, "", 1
    for index, line in enumerate(lines[1:], 1):
        if line.rstrip() == "---":
            return "\n".join(lines[1:index]) + "\n", "\n".join(lines[index + 1 :]), index + 2
    file.wrong((1, 1), "the front matter does not end", "End it with a line `---`")
    return None, "", 1


def body_and_steps(file: File, markdown: str, first_line: int) -> tuple[str, tuple[str, ...]]:
    """An article's body as safe HTML, and the list under `## Steps`, which is taken out of it."""
    tokens = _markdown.parse(markdown)
    for index, token in enumerate(tokens):
        if token.type == "heading_open" and token.tag == "h2" and tokens[index + 1].content.strip().lower() == "steps":
            opened = index + 3
            if opened >= len(tokens) or tokens[opened].type != "ordered_list_open":
                line = (token.map or [0])[0] + first_line
                file.wrong((line, 1), "`## Steps` is not followed by a numbered list", "Write `1. First step` under it")
                break
            closed = next(
                i
                for i, t in enumerate(tokens)
                if i > opened and t.type == "ordered_list_close" and t.level == tokens[opened].level
            )
            steps = _items(tokens[opened : closed + 1])
            tokens = [*tokens[:index], *tokens[closed + 1 :]]
            return _safe(_markdown.renderer.render(tokens, _markdown.options, {})), steps
    return _safe(_markdown.renderer.render(tokens, _markdown.options, {})), ()


def _items(tokens: list[Token]) -> tuple[str, ...]:
    """The items of a list as plain text; what is nested in an item belongs to it."""
    items: list[str] = []
    for token in tokens:
        if token.type == "list_item_open" and token.level == tokens[0].level + 1:
            items.append("")
        elif token.type == "inline":
            parts = (
                " " if child.type in ("softbreak", "hardbreak") else child.content
                for child in token.children or ()
                if child.type in ("text", "code_inline", "softbreak", "hardbreak")
            )
            items[-1] = f"{items[-1]} {''.join(parts)}".strip()
    return tuple(items)


def html(markdown: str) -> str:
    """Markdown as HTML that is safe to show."""
    return _safe(_markdown.render(markdown))


def _safe(html: str) -> str:
    return nh3.clean(html, tags=_TAGS, attributes={"a": {"href", "title"}}).strip()
