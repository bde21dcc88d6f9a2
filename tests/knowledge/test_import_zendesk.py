"""Articles of a Help Center: their HTML as Markdown, what is kept of them, and what is refused by name."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from rtig.errors import PlaybookError, WorldError
from rtig.knowledge import KnowledgeBase
from rtig.knowledge.import_zendesk import imported
from rtig.knowledge.imported import Imported, NotImported

pytest.importorskip("markdownify", reason="rtig's `import` extra is not installed")


def article(**more: Any) -> dict[str, Any]:
    return {
        "id": 360001, "title": "Reset your router", "body": "<p>Hold the <b>reset</b> button.</p>", "locale": "en-us",
        "label_names": [], "section_id": 7, "draft": False, "html_url": "", "vote_sum": 3, **more,
    }  # fmt: skip


class Made:
    def __init__(self, folder: Path, text: str, name: str = "articles.json", **options: Any) -> None:
        source = folder / name
        source.write_text(text, "utf-8")
        making = imported([source], **options)
        self.out = folder / "kb"
        self.base: KnowledgeBase = making.write(self.out)
        self.refused = [(line.item, line.part) for line in making.report if isinstance(line, NotImported)]
        self.notes = [note for line in making.report if isinstance(line, Imported) for note in line.notes]
        self.ids = [line.id for line in making.report if isinstance(line, Imported)]

    def text(self, name: str) -> str:
        return (self.out / "articles" / name).read_text("utf-8")


def of(folder: Path, **more: Any) -> Made:
    return Made(folder, json.dumps({"articles": [article(**more)]}))


def test_an_article_is_its_title_its_text_and_where_it_comes_from(tmp_path: Path) -> None:
    sections = [{"id": 7, "name": "Broadband & phone"}]
    given = article(label_names=["router", " "], html_url="https://help.example/hc/en-us/articles/360001")
    made = Made(tmp_path, json.dumps({"articles": [given], "sections": sections, "next_page": None}))
    assert made.text("broadband-phone/reset-your-router.md") == (
        "---\nid: reset-your-router\ntitle: Reset your router\ntags: [router]\nlanguage: en-us\n"
        "triggers:\n  - means:\n      - Reset your router\n---\n"
        "Hold the **reset** button.\n\n[Open in the Help Center](https://help.example/hc/en-us/articles/360001)\n"
    )
    assert made.refused == []
    assert set(made.base.source.meanings[0].examples) == {"Reset your router"}


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ("<h2>Before</h2><ol><li>One</li><li>Two <em>now</em></li></ol>", "## Before\n\n1. One\n2. Two *now*"),
        ("<ul><li>a</li><li>b</li></ul><hr><pre><code>x = 1</code></pre>", "- a\n- b\n\n---\n\n```\nx = 1\n```"),
        ('<p>See <a href="/hc/en-us/articles/2">this</a></p>', "See [this](https://help.example/hc/en-us/articles/2)"),
        ("<table><tr><th>Plan</th><th>Price</th></tr><tr><td>Small</td><td><b>10</b></td></tr></table>",
         "- Plan — Price\n- Small — **10**"),
        ("<p>2 * 3 &lt; 7 &amp; more</p>", "2 \\* 3 < 7 & more"),
    ],
)  # fmt: skip
def test_html_is_markdown(tmp_path: Path, html: str, markdown: str) -> None:
    made = of(tmp_path, body=html, html_url="https://help.example/hc/en-us/articles/1")
    body = made.text("reset-your-router.md").split("---\n", 2)[2]
    assert body == f"{markdown}\n\n[Open in the Help Center](https://help.example/hc/en-us/articles/1)\n"


def test_what_a_card_does_not_show_is_told(tmp_path: Path) -> None:
    html = '<p>a</p><img src="x"><img src="y"><iframe src="z"></iframe><script>alert()</script><table></table>'
    made = of(tmp_path, body=html)
    assert made.text("reset-your-router.md").endswith("---\na\n")
    assert made.notes == [
        "2 pictures: a card shows none", "1 embedded pages: a card shows none", "1 scripts: a card shows none",
        "1 tables: their rows are lists",
    ]  # fmt: skip


def test_steps_are_steps_where_they_are_numbered(tmp_path: Path) -> None:
    steps = of(tmp_path, body="<h2>Steps</h2><ol><li>One</li><li>Two</li></ol>")
    assert [step.text for step in steps.base.source.rules[0].steps] == ["One", "Two"]
    (tmp_path / "other").mkdir()
    others = of(tmp_path / "other", body="<p>x</p><h2>Steps</h2><ul><li>One</li></ul>")
    assert others.base.source.rules[0].steps == ()
    assert "### Steps\n\n- One\n" in others.text("reset-your-router.md")
    assert others.notes == ["its heading `Steps` stands before no numbered list, and is an ordinary heading here"]


def test_a_draft_is_a_draft_and_what_else_matters_is_told(tmp_path: Path) -> None:
    made = of(tmp_path, draft=True, outdated=True, user_segment_id=4)
    assert made.base.source.rules[0].draft
    assert made.notes == [
        "a draft there, and a draft here", "marked as outdated there",
        "only some users may read it there; here every agent may",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "refused"),
    [
        ({"locale": "fr"}, ("Reset your router", "locale fr")),
        ({"title": " "}, ("360001", "")),
        ({"body": "<p> </p>"}, ("Reset your router", "")),
        ({"body": None}, ("Reset your router", "")),
    ],
)
def test_an_article_that_has_no_equal_is_refused_by_name(tmp_path: Path, more: Any, refused: Any) -> None:
    assert of(tmp_path, **more).refused == [refused]


def test_a_help_center_of_another_language_is_imported_with_that_language(tmp_path: Path) -> None:
    made = Made(tmp_path, json.dumps([article(locale="fr-ca", title="Réinitialiser")]), language="fr")
    assert made.ids == ["reinitialiser"]
    assert made.base.source.language == "fr"


def test_titles_that_are_alike_or_have_no_latin_letters_have_ids_of_their_own(tmp_path: Path) -> None:
    lines = [article(), article(id=2), article(id=3, title="ルーター")]
    made = Made(tmp_path, "\n".join(map(json.dumps, lines)), "articles.jsonl")
    assert made.ids == ["reset-your-router", "reset-your-router-2", "article-3"]


def test_one_article_as_the_api_wraps_it(tmp_path: Path) -> None:
    assert Made(tmp_path, json.dumps({"article": article()})).ids == ["reset-your-router"]


def test_a_page_that_is_not_the_last_says_so(tmp_path: Path) -> None:
    made = Made(tmp_path, json.dumps({"articles": [article()], "next_page": "https://help.example/page2"}))
    assert made.refused == [("articles.json", "next_page")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"articles": [{"title": "x"}]}', "1:1: `articles[0]`: Object missing required field `id`"),
        ('{"articles": [{"id": 1, "title": 5}]}', "1:1: `articles[0].title`: Expected `str`, got `int`"),
        ('{"articles": [], "sections": [{}]}', "1:1: `sections[0]`: Object missing required field `id`"),
        ('{"articles": [', "1:15: this is not JSON: Expecting value"),
    ],
)
def test_what_cannot_be_read_says_where(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(PlaybookError) as raised:
        Made(tmp_path, text)
    assert str(raised.value) == f"{tmp_path / 'articles.json'}:{said}"


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "markdownify", None)
    with pytest.raises(WorldError, match=r"pip install 'rtig\[import\]'"):
        of(tmp_path)
