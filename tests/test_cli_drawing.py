"""A drawn curve: its points are where they belong, its words are safe, and it can be read in the dark."""

import xml.etree.ElementTree as ElementTree

from rtig.cli.drawing import BOTTOM, HEIGHT, LEFT, MOST_POINTS, RIGHT, TOP, WIDTH, Curve, svg

SPACE = "{http://www.w3.org/2000/svg}"


def drawn(*curves: Curve, title: str = "a title") -> ElementTree.Element:
    return ElementTree.fromstring(svg(title, "across", "up", curves))


def points(picture: ElementTree.Element, number: int = 0) -> list[tuple[float, float]]:
    line = picture.findall(f"{SPACE}polyline")[number].attrib["points"]
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in line.split())]


def test_corners_are_corners() -> None:
    assert points(drawn(Curve("one", [(0.0, 1.0), (1.0, 0.5)]))) == [(LEFT, TOP), (WIDTH - RIGHT, HEIGHT - BOTTOM)]


def test_what_is_below_is_left_out_and_long_curves_are_thinned() -> None:
    assert len(points(drawn(Curve("one", [(0.1, 0.9), (0.2, 0.4)])))) == 1
    assert len(points(drawn(Curve("many", [(n / 5_000, 0.8) for n in range(5_000)])))) <= MOST_POINTS + 20


def test_the_point_in_use_is_marked_and_words_are_escaped() -> None:
    picture = drawn(Curve("<b>", [(0.5, 0.75)], (0.5, 0.75)), Curve("two", []), title="a < b")
    (circle,) = picture.findall(f"{SPACE}circle")
    assert float(circle.attrib["cx"]) == (LEFT + WIDTH - RIGHT) / 2
    assert picture.findtext(f"{SPACE}title") == "a < b"
    assert "<b>" in [text.text for text in picture.iter(f"{SPACE}text")]
    assert "prefers-color-scheme:dark" in (picture.findtext(f"{SPACE}style") or "")
