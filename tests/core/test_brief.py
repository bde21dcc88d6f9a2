"""The brief: which lines are chosen, what they are linked to, and that they do not depend on how words travelled."""

from collections.abc import Iterable, Sequence

import pytest
from calls import CALL, SOURCE, WORD_MS, Spoken, answer, call, playbook, say, segment, travels
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from rtig.core import engine
from rtig.core.brief import LINES, LONGEST, MORE, brief
from rtig.core.call import Call
from rtig.core.conditions import Said
from rtig.core.cues import NONE, cues_of
from rtig.core.events import AnyEvent, CallEnded, CallStarted, CardAnswered, SegmentHeard
from rtig.core.guidance import ArticleRef, Brief, BriefLine, Quote
from rtig.core.playbook import Playbook, SlotSource
from rtig.core.triggers import Clause, Rule

ARTICLE = Rule(
    id="router",
    kind="article",
    title="A router that drops out",
    say="",
    clauses=(Clause(Said(("router ~2 (drops|dropping)",))),),
    article=ArticleRef("router-drops", "v2", "2999-01-31"),
    priority=50,
    cooldown_ms=120_000,
)
NAME = SlotSource(id="first_name", kind="name", said=("i am called {first_name}",))
BOOK = playbook(replace(SOURCE, rules=(*SOURCE.rules, ARTICLE), slots=(NAME,)))


def told(*spoken: Spoken, end_ms: int | None = None, book: Playbook = BOOK, more: Sequence[AnyEvent] = ()) -> Brief:
    return brief(book, state_after([*call(spoken, end_ms), *more], book))


def state_after(events: Iterable[AnyEvent], book: Playbook = BOOK) -> Call:
    return list(engine.replay(book, CALL, events))[-1].call


def texts(lines: Iterable[BriefLine]) -> list[str]:
    return [line.text for line in lines]


# --- what is chosen


def test_a_call_of_which_nothing_is_known_has_an_empty_brief() -> None:
    empty = brief(BOOK, engine.begin(CALL))
    assert (empty.who, empty.asked, empty.tried, empty.promised, empty.articles, empty.open) == ((),) * 6
    assert (empty.mood.band, empty.mood.highest, empty.mood.turns) == ("calm", "calm", ())
    assert (empty.state, empty.reason, empty.at_ms, empty.playbook) == ("live", "", 0, BOOK.version)


def test_the_head_says_whose_call_it_is_and_how_it_ended() -> None:
    started = CallStarted(
        call_id=CALL, agent="desk-1", queue="billing", customer="account-7", channel="chat", started_at=5
    )
    ended = CallEnded(call_id=CALL, at_ms=9_000, reason="transferred")
    found = brief(BOOK, state_after([started, ended]))
    assert (found.agent, found.queue, found.customer, found.channel) == ("desk-1", "billing", "account-7", "chat")
    assert (found.state, found.reason, found.at_ms, found.started_at) == ("ended", "transferred", 9_000, 5)


def test_what_was_asked_begins_with_the_first_thing_of_substance_without_greeting_and_name() -> None:
    found = told(
        say("agent", 0, "hello how can i help"),
        say("customer", 3_000, "my name is linda brown"),
        say("customer", 9_000, "um hi yeah the internet at our cottage keeps dropping out"),
        say("agent", 20_000, "i see"),
        say("customer", 24_000, "okay thank you very much"),
        say("customer", 30_000, "can you send me a new router as well"),
        say("agent", 40_000, "the postman brings another parcel"),
    )
    assert texts(found.asked) == [
        "the internet at our cottage keeps dropping out",
        "can you send me a new router as well",
    ]
    assert [line.at_ms for line in found.asked] == [9_000 + 3 * WORD_MS, 30_000]
    assert texts(found.who) == ["my name is linda brown"]


def test_one_thing_asked_twice_is_told_once_and_never_more_than_four() -> None:
    wishes = ["cancel the broadband contract today", "return two damaged lamps", "change our postal address",
              "order seven orange curtains", "upgrade the telephone line"]  # fmt: skip
    spoken = [say("customer", 20_000 * n, f"i would like to {wish}") for n, wish in enumerate(wishes)]
    again = say("customer", 200_000, "again i would like to cancel the broadband contract today")
    found = told(*spoken, again)
    assert len(found.asked) == 4
    assert sum("contract" in line.text for line in found.asked) == 1


def test_words_that_called_for_an_article_count_as_asked() -> None:
    words = "our little router always drops"
    found = told(say("customer", 0, "the kettle is on the garden table"), say("customer", 20_000, words))
    assert words in texts(found.asked)
    quiet = told(
        say("customer", 0, "the kettle is on the garden table"), say("customer", 20_000, words), book=playbook()
    )
    assert words not in texts(quiet.asked)


def test_what_the_customer_tells_of_it_fills_the_room_that_is_left_but_not_who_they_are() -> None:
    detail = "there is a branch leaning on the cable behind the barn"
    address = "nineteen thistle lane beside the old mill near the harbour"
    found = told(
        say("customer", 0, "i have got no internet at our farm"),
        say("agent", 10_000, "could i have the first line of your address"),
        say("customer", 20_000, address),
        say("agent", 30_000, "lovely go on"),
        say("customer", 40_000, detail),
    )
    assert texts(found.asked) == ["i have got no internet at our farm", detail]


def test_what_was_tried_is_what_was_done_by_either_and_how_it_went() -> None:
    found = told(
        say("customer", 0, "the television box shows nothing but green stripes"),
        say("customer", 20_000, "i have already unplugged the whole thing twice"),
        say("agent", 30_000, "okay i have reset the signal from here"),
        say("customer", 40_000, "still the same green stripes"),
        say("agent", 50_000, "could you try another cable behind the box"),
        say("customer", 60_000, "that is better it is working now"),
    )
    assert texts(found.tried) == [
        "i have already unplugged the whole thing twice",
        "i have reset the signal from here",
        "still the same green stripes",
        "could you try another cable behind the box",
        "that is better it is working now",
    ]


def test_how_it_went_counts_only_right_after_something_was_done() -> None:
    found = told(
        say("customer", 0, "the television box shows nothing"),
        say("customer", 20_000, "still the same green stripes"),
    )
    assert found.tried == ()


def test_what_was_promised_says_by_when() -> None:
    found = told(
        say("agent", 0, "of course i'll post the form to you by friday and then we are done"),
        say("agent", 20_000, "somebody will call you within two working days"),
        say("agent", 40_000, "you will get a text with the code"),
    )
    assert [(line.text, line.when) for line in found.promised] == [
        ("i'll post the form to you by friday and then we are done", "by friday"),
        ("somebody will call you within two working days", "within two working days"),
        ("you will get a text with the code", ""),
    ]


@pytest.mark.parametrize(
    "words",
    [
        "i will have a look at the notes for you",
        "i am going to put you on hold for about half a minute",
        "i will be able to help you with the letter",
        "shall i send it to the collection point tomorrow?",
        "when you cancel you will get a letter",
    ],
)
def test_what_the_agent_is_about_to_do_in_the_call_is_no_promise(words: str) -> None:
    assert told(say("agent", 0, words)).promised == ()


def test_customers_promise_nothing_and_agents_ask_nothing() -> None:
    found = told(
        say("customer", 0, "i will send you a letter tomorrow"),
        say("agent", 20_000, "i would like to cancel the broadband contract"),
    )
    assert found.promised == ()
    assert texts(found.asked) == ["i will send you a letter tomorrow"]  # the first of substance


def test_a_number_that_was_asked_for_names_the_customer() -> None:
    found = told(
        say("agent", 0, "could i take your account number please"),
        say("customer", 5_000, "sure one moment"),
        say("customer", 15_000, "it is uh two oh five eight three"),
        say("agent", 25_000, "and the order reference number"),
        say("customer", 30_000, "AB1234"),
        say("customer", 60_000, "nine nine nine nine nine"),
    )
    assert [(line.what, line.text) for line in found.who] == [
        ("account number", "two oh five eight three"),
        ("order reference number", "AB1234"),
    ]


def test_a_name_is_a_slots_value_or_what_was_given_when_asked() -> None:
    asked = told(say("agent", 0, "may i have your full name"), say("customer", 5_000, "Crystal Minh"))
    assert [(line.what, line.text) for line in asked.who] == [("name", "Crystal Minh")]
    slot = told(say("customer", 0, "i am called maria and my name is a long story"))
    assert [(line.what, line.text) for line in slot.who] == [("first name", "maria")]


def test_a_checklist_that_is_mostly_done_says_what_is_left() -> None:
    half = told(say("agent", 0, "thanks for calling"))
    assert half.tried == ()  # one of two: every call begins so
    opened = told(say("customer", 0, "i will cancel the contract"), say("agent", 9_000, "may i ask why"))
    (line,) = opened.tried
    assert (line.what, line.text, line.at_ms) == ("Leaving: 1 of 1 done", "", 9_000)
    assert [quote.text for quote in line.words] == ["may i ask why"]


def test_the_mood_says_where_it_turned_and_why() -> None:
    found = told(
        say("customer", 0, "this is the third time i am calling"),
        say("customer", 20_000, "that is great thank you that is great"),
        end_ms=30_000,
    )
    assert (found.mood.band, found.mood.highest) == ("calm", "tense")
    rise, *_, fall = found.mood.turns
    assert (rise.what, rise.text) == ("tense: has been in touch before", "third time i am calling")
    assert rise.words[0].segment_id == "s0"
    assert fall.what.startswith("calm: ")
    assert fall.words[0].segment_id == "s1"


def test_articles_say_what_the_agent_did_with_them() -> None:
    spoken = say("customer", 0, "the router keeps dropping")
    (shown,) = told(spoken).articles
    assert (shown.id, shown.title, shown.version, shown.did) == ("router-drops", "A router that drops out", "v2", ())
    assert [quote.text for quote in shown.words] == ["router keeps dropping"]
    answers: list[AnyEvent] = [
        CardAnswered(call_id=CALL, card_id="router.1", action="copied", answer_id="a1", at_ms=2_000),
        CardAnswered(call_id=CALL, card_id="router.1", action="opened", answer_id="a2", at_ms=3_000),
        answer("late", card_id="bill.1"),
    ]
    (used,) = told(spoken, more=answers).articles
    assert used.did == ("opened", "copied")


def test_what_nobody_has_answered_is_open_until_the_agent_says_something() -> None:
    asked = [
        say("customer", 0, "the router keeps dropping every evening"),
        say("agent", 10_000, "i see that is annoying for your whole family"),
        say("customer", 20_000, "when will the engineer come to the cottage"),
        say("agent", 30_000, "let me check the diary for you"),
    ]
    waiting = told(*asked)
    assert [(line.what, line.text) for line in waiting.open] == [
        ("not answered", "when will the engineer come to the cottage"),
        ("the agent was on it", "let me check the diary for you"),
    ]
    assert "when will the engineer come to the cottage" not in texts(waiting.asked)
    answered = told(*asked, say("agent", 40_000, "thursday morning between eight and noon"))
    assert answered.open == ()
    assert "when will the engineer come to the cottage" in texts(answered.asked)
    assert "thursday morning between eight and noon" in texts(answered.tried)


def test_a_line_is_cut_at_a_word_and_says_so() -> None:
    long = " ".join(f"whenever{n} something{n}" for n in range(40))
    (line,) = told(say("customer", 0, long)).asked
    assert len(line.text) <= LONGEST
    assert line.text.endswith(MORE)
    assert long.startswith(line.text.removesuffix(MORE) + " ")


def test_a_speech_without_spaces_is_cut_too() -> None:
    (line,) = told(say("customer", 0, "a" * 400 + " complaint router broken")).asked
    assert line.text == "a" * (LONGEST - len(MORE)) + MORE


def test_sentences_are_told_apart_and_short_ones_go_with_the_next() -> None:
    found = told(
        say("agent", 0, "Done. You'll get a text tomorrow. Is there anything else? I have moved the switch to Monday.")
    )
    assert texts(found.promised) == ["Done. You'll get a text tomorrow."]
    assert texts(found.tried) == ["I have moved the switch to Monday."]


def test_a_message_of_a_chat_is_a_remark_of_its_own() -> None:
    heard = [
        SegmentHeard(
            call_id=CALL, segment_id=f"m{n}", rev=1, party="customer", text=text, final=True, start_ms=at, end_ms=at
        )
        for n, (at, text) in enumerate([(1_000, "the lamp is broken"), (1_500, "i want to return it to a shop")])
    ]
    found = brief(BOOK, state_after([CallStarted(call_id=CALL, channel="chat"), *heard]))
    assert texts(found.asked) == ["the lamp is broken", "i want to return it to a shop"]


def test_a_language_without_cues_has_what_position_and_marks_tell() -> None:
    german = playbook(replace(SOURCE, language="de-AT"))
    assert cues_of("de") is NONE
    found = told(
        say("customer", 0, "Guten Tag, der Router blinkt rot."),
        say("agent", 10_000, "Ich schicke Ihnen morgen einen neuen."),
        say("customer", 20_000, "Kommt der mit der Post?"),
        book=german,
    )
    assert texts(found.asked) == ["Guten Tag, der Router blinkt rot."]
    assert texts(found.open) == ["Kommt der mit der Post?"] or "Kommt der mit der Post?" in texts(found.asked)
    assert found.promised == ()


# --- whatever is said

PHRASES = (
    "i would like to cancel my contract", "can you send me a router?", "my bill has doubled",
    "the router keeps dropping",
    "i have reset the line.", "still not working", "i will send you a letter by friday.",
    "you will get a text tomorrow",
    "someone will call you", "let me check", "third time calling", "that is great", "terrible awful", "um", "okay so",
    "thanks for calling", "how can i help", "may i ask why", "what is your account number", "two oh five eight three",
    "my name is linda brown", "bye", "and i told you", "because nobody came!", "is there anything else", "£75",
    "Dr. Morgan", "when will it come?",
)  # fmt: skip


@st.composite
def conversations(draw: st.DrawFn) -> list[Spoken]:
    free = {"customer": 0, "agent": 0}
    talk = []
    for _ in range(draw(st.integers(1, 5))):
        party = draw(st.sampled_from(("customer", "agent")))
        start = free[party] + WORD_MS * draw(st.integers(0, 30))
        said = draw(st.lists(st.sampled_from(PHRASES), min_size=1, max_size=5))
        talk.append(say(party, start, " ".join(said)))  # type: ignore[arg-type]
        free[party] = talk[-1].end_ms
    return talk


def lines_of(found: Brief) -> list[BriefLine]:
    return [*found.who, *found.asked, *found.tried, *found.promised, *found.mood.turns, *found.open]


def quotes_of(found: Brief) -> list[Quote]:
    lines = [quote for line in lines_of(found) for quote in line.words]
    return lines + [quote for article in found.articles for quote in article.words]


@given(st.data())
def test_every_line_is_what_was_said_where_it_says(data: st.DataObject) -> None:
    talk = data.draw(conversations())
    state = state_after([call([])[0], *data.draw(travels(talk))])
    found = brief(BOOK, state)
    assert len(lines_of(found)) + len(found.articles) <= LINES
    for quote in quotes_of(found):
        heard = state.transcript.find(quote.segment_id)
        assert heard is not None
        assert (heard.party, heard.text[quote.start : quote.end]) == (quote.party, quote.text)
    for line in lines_of(found):
        assert len(line.text) <= LONGEST
        whole = " ".join(word for quote in line.words for word in quote.text.split())
        if line.text:
            assert whole.startswith(line.text.removesuffix(MORE))
        assert line.when in line.text or line.text.endswith(MORE)
        assert 0 <= line.at_ms <= state.now


@given(st.data())
def test_the_brief_is_the_same_however_the_words_travelled(data: st.DataObject) -> None:
    talk = data.draw(conversations())
    end = CallEnded(call_id=CALL, at_ms=max(part.end_ms for part in talk) + 40_000)
    straight = brief(BOOK, state_after([*call(talk), end]))
    travelled = brief(BOOK, state_after([call([])[0], *data.draw(travels(talk)), end]))
    assert shown(travelled) == shown(straight)


def shown(found: Brief) -> tuple[object, ...]:
    """All of it but where the words are cut."""
    lines = [(line.what, line.text, line.when, line.at_ms) for line in lines_of(found)]
    articles = [(one.id, one.did, one.at_ms, " ".join(q.text for q in one.words)) for one in found.articles]
    parts = [len(part) for part in (found.who, found.asked, found.tried, found.promised, found.open)]
    return lines, articles, parts, found.mood.band, found.mood.score, found.mood.highest, found.mood.highest_ms


def test_words_that_are_not_settled_are_in_no_brief() -> None:
    spoken = say("customer", 0, "i would like to cancel my contract")
    assert told(more=[segment("i1", spoken, final=False)]).asked == ()
