"""Articles of a Zendesk Help Center as articles here: their HTML as Markdown, their titles as what is meant.

It reads what the public API gives, a page of it or all of them, or one article a line. A card shows text, links and
lists; what it cannot show (pictures, videos, scripts) is named in the report, and a table becomes a list of its rows.
"""

import importlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from msgspec import Struct

from rtig.errors import WorldError
from rtig.knowledge.imported import Making, Record, Written, files, records, same_language, shaped, slug

_NOT_SHOWN = {
    "img": "pictures",
    "picture": "pictures",
    "svg": "pictures",
    "iframe": "embedded pages",
    "video": "videos",
    "audio": "recordings",
    "object": "embedded files",
    "embed": "embedded files",
    "form": "forms",
    "script": "scripts",
    "style": "styles",
}
"""Tags that a card has no use for, in the order of a report."""


class Article(Struct):
    """What the API says of an article, as far as it makes a difference here."""

    id: int | str
    title: str = ""
    body: str | None = ""
    label_names: list[str] | None = None
    section_id: int | str | None = None
    locale: str = ""
    draft: bool = False
    outdated: bool = False
    html_url: str = ""
    user_segment_id: int | str | None = None
    user_segment_ids: list[int | str] | None = None


class Section(Struct):
    id: int | str
    name: str = ""


def imported(paths: Sequence[Path], *, language: str = "en") -> Making:
    """Raises `PlaybookError` or `WorldError` where a file cannot be read, or HTML cannot for want of `markdownify`."""
    making = Making("Help Center", language)
    for path in files(paths, ".json", ".jsonl"):
        for record in records(path):
            sections, articles = _parts(path, record)
            for place, article in articles:
                _article(making, shaped(path, article, Article, place), sections)
            if isinstance(record.value, dict) and record.value.get("next_page"):
                making.refuse(path.name, "this is one page of several, and the next one is not here", "next_page")
    return making


def _parts(path: Path, record: Record) -> tuple[dict[str, str], Iterator[tuple[str, Record]]]:
    """The names of the sections, where they came with the articles, and the articles with their places."""
    line, value = record
    wrapped = isinstance(value, dict) and "articles" in value
    listed = value["articles"] if wrapped else value
    if not isinstance(listed, list):
        one = value["article"] if isinstance(value, dict) and "article" in value else value
        return {}, iter([("$", Record(line, one))])
    sections = value.get("sections", []) if wrapped else []
    named = shaped(path, Record(line, sections), list[Section], "$.sections")
    prefix = "$.articles" if wrapped else "$"
    places = ((f"{prefix}[{index}]", Record(line, one)) for index, one in enumerate(listed))
    return {str(section.id): section.name for section in named}, places


def _article(making: Making, article: Article, sections: dict[str, str]) -> None:
    item = article.title.strip() or str(article.id)
    if article.locale and not same_language(article.locale, making.language):
        making.refuse(
            item,
            f"a knowledge base has one language, and this one's is `{making.language}`",
            f"locale {article.locale}",
        )
        return
    if not article.title.strip():
        making.refuse(item, "it has no title")
        return
    body, notes = _markdown(article.body or "", article.html_url)
    if not body:
        making.refuse(item, "it has no text")
        return
    section = sections.get(str(article.section_id), "")
    made = making.claim(slug(item) or f"article-{slug(str(article.id))}")
    trigger: Written = {"means": [item], **({"status": "draft"} if article.draft else {})}
    tags = [name.strip() for name in article.label_names or () if name.strip()]
    front: Written = {
        "id": made,
        "title": item,
        **({"tags": tags} if tags else {}),
        "language": article.locale or making.language,
        "triggers": [trigger],
    }
    if article.html_url:
        body += f"\n\n[Open in the Help Center]({article.html_url})"
    notes += making.article(front, body, slug(section))
    if article.draft:
        notes.append("a draft there, and a draft here")
    if article.outdated:
        notes.append("marked as outdated there")
    if article.user_segment_id is not None or article.user_segment_ids:
        notes.append("only some users may read it there; here every agent may")
    making.imported(item, made, notes)


def _markdown(html: str, base: str) -> tuple[str, list[str]]:
    """HTML as Markdown, and what of it is not shown. Raises `WorldError` where `markdownify` is not installed."""
    if not html.strip():
        return "", []
    try:
        soup = importlib.import_module("bs4").BeautifulSoup(html, "html.parser")
        markdownify = importlib.import_module("markdownify")
    except ModuleNotFoundError as error:
        raise WorldError(f"HTML is read with rtig's `import` extra: pip install 'rtig[import]' ({error})") from None
    notes = list(_shed(soup))
    for link in soup.find_all("a", href=True):
        link["href"] = urljoin(base, link["href"])
    made: str = markdownify.markdownify(str(soup), heading_style="ATX", bullets="-")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in made.split("\n"))).strip(), notes


def _shed(soup: Any) -> Iterator[str]:
    """Take out what a card does not show, and say so; make lists of tables."""
    counts: dict[str, int] = {}
    for tag, what in _NOT_SHOWN.items():
        for found in soup.find_all(tag):
            counts[what] = counts.get(what, 0) + 1
            found.decompose()
    yield from (f"{number} {what}: a card shows none" for what, number in counts.items())
    tables = [table for table in soup.find_all("table") if table.find_parent("table") is None]
    for table in tables:
        rows = soup.new_tag("ul")
        for row in table.find_all("tr"):
            item = soup.new_tag("li")
            for number, cell in enumerate(row.find_all(["th", "td"])):
                item.append(" — " if number else "")
                item.extend(list(cell.contents))
            rows.append(item)
        table.replace_with(rows)
    if tables:
        yield f"{len(tables)} tables: their rows are lists"
