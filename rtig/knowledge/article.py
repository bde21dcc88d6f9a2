"""An article as it is written: YAML between two lines of dashes, then Markdown that becomes a card's body and steps.

A step is an item of the numbered list under `## Steps`. Items below it that begin with `said:` are no part of its text:
they are the words that tick it.
"""

import re
from typing import NamedTuple

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from rtig.knowledge.yamlfile import File, Node

_TAGS = {
    "a", "blockquote", "br", "code", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "strong",
    "ul",
}  # fmt: skip
"""What a card may hold. No images: an agent's screen asks no other machine for anything."""
_SAID = re.compile(r"said:\s*(.*)", re.IGNORECASE)
_markdown = MarkdownIt("commonmark")


class WrittenStep(NamedTuple):
    text: str
    said: Node
    """The phrases that tick it."""


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


def body_and_steps(file: File, markdown: str, first_line: int) -> tuple[str, tuple[WrittenStep, ...]]:
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
            steps = _steps(file, tokens[opened : closed + 1], markdown.split("\n"), first_line)
            tokens = [*tokens[:index], *tokens[closed + 1 :]]
            return _safe(_markdown.renderer.render(tokens, _markdown.options, {})), steps
    return _safe(_markdown.renderer.render(tokens, _markdown.options, {})), ()


def _steps(file: File, tokens: list[Token], lines: list[str], first_line: int) -> tuple[WrittenStep, ...]:
    """The items of a list as plain text; what is nested in an item belongs to it."""
    texts: list[str] = []
    said: list[Node] = []
    for token in tokens:
        if token.type == "list_item_open" and token.level == tokens[0].level + 1:
            texts.append("")
            said.append(Node(first_line + (token.map or [0])[0], 1, []))
        elif token.type != "inline":
            continue
        elif texts[-1] and (words := _SAID.fullmatch(token.content)) is not None:
            row = (token.map or [0])[0]
            phrase = Node(first_line + row, lines[row].find(token.content) + words.start(1) + 1, words[1].strip())
            phrase.offset = phrase.column
            if phrase.value:
                said[-1].value.append(phrase)
            else:
                file.wrong(phrase, "no words stand behind `said:`", "Write the words that tick the step")
        else:
            texts[-1] = f"{texts[-1]} {_plain(token)}".strip()
    return tuple(map(WrittenStep, texts, said))


def _plain(token: Token) -> str:
    return "".join(
        " " if child.type in ("softbreak", "hardbreak") else child.content
        for child in token.children or ()
        if child.type in ("text", "code_inline", "softbreak", "hardbreak")
    )


def html(markdown: str) -> str:
    """Markdown as HTML that is safe to show."""
    return _safe(_markdown.render(markdown))


def _safe(html: str) -> str:
    return nh3.clean(html, tags=_TAGS, attributes={"a": {"href", "title"}}).strip()
