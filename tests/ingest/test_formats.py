import pytest

from rtig.errors import Code, MessageRefused
from rtig.ingest.formats import FORMATS, factory


def test_each_format_makes_a_translator_that_ends_without_having_begun() -> None:
    assert set(FORMATS) == {"rtig", "speechmatics", "deepgram", "lca"}
    for name in FORMATS:
        assert factory(name)("call-1", {"0": "customer"}, 5).finish() == ()


@pytest.mark.parametrize("name", ["speechmatics", "deepgram", "lca"])
def test_a_call_id_that_is_no_name_is_refused_at_once(name: str) -> None:
    with pytest.raises(MessageRefused):
        factory(name)("two words", {})


def test_an_unknown_format_is_refused_with_those_there_are() -> None:
    with pytest.raises(MessageRefused) as refused:
        factory("vosk")
    assert refused.value.code is Code.UNKNOWN_FORMAT
    assert "deepgram, dialogue, lca, rtig, speechmatics" in refused.value.sentence
