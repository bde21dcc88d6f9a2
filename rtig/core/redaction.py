"""What a text must not carry further: card numbers, bank accounts, telephone numbers and e-mail addresses, masked.

A text is masked before anything else sees it. Each mask names its kind, so a reader knows what stood there. In a text
that is not final, an end that may be growing into one of these is masked too, for the log keeps interims.
"""

import re
from collections.abc import Iterator
from hashlib import blake2b
from typing import Literal, NamedTuple, TypeVar

import phonenumbers
from msgspec.structs import replace

from rtig.core.events import AnyEvent, HandoverSent, HelpAsked, SegmentHeard, Whispered

Kind = Literal["card", "iban", "phone", "email", "number"]
MASKS: dict[Kind, str] = {
    "card": "[card number]",
    "iban": "[IBAN]",
    "phone": "[phone number]",
    "email": "[e-mail]",
    "number": "[number]",
}
DEFAULT_REGIONS = ("US", "GB")
"""Where a telephone number without a country code may be from. With each region more order numbers look like one."""

GROWING_DIGITS = 7
"""An unfinished number of so many digits is masked: shorter ones are amounts, dates, times and account numbers."""
ENDLESS_DIGITS = 64
"""A row of more digits than this is masked whole: nobody needs it, and to search it would be costly."""
_LONGEST_ACCOUNT = 72
"""Characters of an IBAN that is spelt with a space after each."""
_CARD_DIGITS = range(13, 20)
_LONGEST_SEGMENT = 16_384
_LONGEST_WHISPER = 500
_LONGEST_HELP = 200
_LONGEST_HANDOVER = 4000

_HINT = re.compile(r"[@\d]")
_DIGIT = re.compile(r"\d")
_BETWEEN = " .-–—()/\u00a0\u2009\u202f"
"""What stands between the digits of one number. A comma does only with a space after it: amounts have bare ones."""
_RUN = re.compile(rf"\d(?:(?:[{re.escape(_BETWEEN)}]{{1,3}}|, )?\d)*")
_CHAIN = re.compile(r"\d+")
_DATE = re.compile(r"(?<!\d)(?:(?:19|20)\d\d([-/.])\d{1,2}\1\d{1,2}|\d{1,2}([-/.])\d{1,2}\2(?:19|20)\d\d)(?!\d)")
_EMAIL = re.compile(r"[\w.+%'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_EMAIL_GROWING = re.compile(r"[\w.+%'-]{1,64}@[\w.-]{0,255}[\s,]*\Z")
_IBAN_BEGINS = re.compile(r"(?<![^\W_])[A-Za-z][ -]?[A-Za-z][ -]?[0-9][ -]?[0-9]")
_IBAN = re.compile(r"[A-Za-z0-9](?:[ -]?[A-Za-z0-9]){3,33}")
_IBAN_GROWING = re.compile(r"[A-Z]{2}\d\d[A-Z]{0,6}\d+")

_IBAN_LENGTHS = {
    country: int(length)
    for length, countries in {
        "15": "NO", "16": "BE", "18": "DK FI FO GL NL FK", "19": "MK SI", "20": "AT BA EE KZ LT LU XK MN",
        "21": "CH HR LI LV", "22": "BG BH CR DE GB GE IE ME RS VA", "23": "AE GI IL IQ OM SO TL",
        "24": "AD CZ ES MD PK RO SA SE SK TN VG", "25": "LY PT ST", "26": "IS TR",
        "27": "BI DJ FR GR IT MC MR SM", "28": "AL AZ BY CY DO GT HU LB NI PL SV",
        "29": "BR EG PS QA UA SD", "30": "JO KW MU YE", "31": "MT SC", "32": "LC", "33": "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip
_PHONES_KNOWN_AT_MOST = 4096
_phones_known: dict[tuple[bytes, tuple[str, ...]], list[tuple[int, int]]] = {}


class Redacted(NamedTuple):
    """`stable` is the length of the promised prefix of the new text; `kinds` names what was masked, for counting."""

    text: str
    stable: int
    kinds: tuple[Kind, ...]


class _Mask(NamedTuple):
    start: int
    end: int
    kind: Kind


_E = TypeVar("_E", bound=AnyEvent)


def redacted(event: _E, regions: tuple[str, ...] = DEFAULT_REGIONS) -> tuple[_E, tuple[Kind, ...]]:
    """The event with its text masked, and the kinds of what was found. Events without a text come back as they are."""
    match event:
        case SegmentHeard():
            if event.stable <= len(event.text) and not _hints(event.text):
                return event, ()
            done = redact(event.text, event.stable, event.final, regions)
            if done.stable == event.stable and done.text == event.text:
                return event, ()
            text = done.text[:_LONGEST_SEGMENT]
            return replace(event, text=text, stable=min(done.stable, len(text))), done.kinds
        case Whispered():
            done = redact(event.text, 0, True, regions)
            return (replace(event, text=done.text[:_LONGEST_WHISPER]) if done.kinds else event), done.kinds
        case HelpAsked():
            done = redact(event.text, 0, True, regions)
            return (replace(event, text=done.text[:_LONGEST_HELP]) if done.kinds else event), done.kinds
        case HandoverSent():
            done = redact(event.text, 0, True, regions)
            return (replace(event, text=done.text[:_LONGEST_HANDOVER]) if done.kinds else event), done.kinds
        case _:
            return event, ()


def redact(text: str, stable: int, final: bool, regions: tuple[str, ...] = DEFAULT_REGIONS) -> Redacted:
    """The text with its sensitive numbers and addresses masked; masking again changes nothing. Never raises.

    `regions` are the countries (ISO 3166) whose telephone numbers are known without a country code. What may still
    change, a mask at the edge of the promised prefix or a number that runs over it, lies outside the new `stable`.
    """
    if not 0 <= stable <= len(text):
        stable = max(0, min(stable, len(text)))
    if not _hints(text):
        return Redacted(text, stable, ())
    kinds: tuple[Kind, ...] = ()
    while masks := _masks(text, final, regions):
        text, stable = _masked(text, stable if final else _edge(text, stable), final, masks)
        kinds += tuple(mask.kind for mask in masks)
    return Redacted(text, stable if final else _edge(text, stable), kinds)


def _hints(text: str) -> bool:
    """Whether there is a digit or an @ at all: seldom, so it is asked in the cheapest way."""
    if text.isascii():
        return len(text.encode().translate(None, b"@0123456789")) < len(text)
    return _HINT.search(text) is not None


def _masks(text: str, final: bool, regions: tuple[str, ...]) -> list[_Mask]:
    """What is to be masked, from left to right and without overlap. Each mask takes a digit or an @ away."""
    found: list[_Mask] = []
    if "@" in text:
        found += [_Mask(*match.span(), "email") for match in _EMAIL.finditer(text)]
        text = _blanked(text, found)
        if not final and (growing := _EMAIL_GROWING.search(text)) is not None:
            found.append(_Mask(growing.start(), len(text[: growing.end()].rstrip()), "email"))
            text = _blanked(text, found[-1:])
    if len(_DIGIT.findall(text)) >= GROWING_DIGITS:
        accounts = list(_accounts(text, final))
        text = _blanked(text, accounts)
        dates = [_Mask(*match.span(), "number") for match in _DATE.finditer(text)]
        found += accounts
        found += _numbers(_blanked(text, dates), final, regions)
    return sorted(found)


def _blanked(text: str, masks: list[_Mask]) -> str:
    """The text of the same length, with nothing to be found where the masks will be."""
    for mask in masks:
        text = text[: mask.start] + "\0" * (mask.end - mask.start) + text[mask.end :]
    return text


def _accounts(text: str, final: bool) -> Iterator[_Mask]:
    """IBANs by the length of their country and their check digits; unfinished, by how they begin."""
    done = 0
    for begins in _IBAN_BEGINS.finditer(text):
        whole = _IBAN.match(text, begins.start())
        if whole is None or begins.start() < done:
            continue
        places = [at for at in range(*whole.span()) if text[at].isalnum()]
        account = "".join(text[at] for at in places).upper()
        length = _IBAN_LENGTHS.get(account[:2])
        if length is None:
            continue
        if len(account) >= length:
            end = places[length - 1] + 1
            if not text[end : end + 1].isalnum() and _checks_out(account[:length]):
                done = end
                yield _Mask(begins.start(), end, "iban")
        elif not final and _trails(text, whole.end()) and _is_no_word(begins.group()) and _grows(account):
            done = whole.end()
            yield _Mask(begins.start(), done, "number")


def _trails(text: str, end: int) -> bool:
    return not text[end : end + 8].strip(_BETWEEN + ",") and not text[end:].strip(_BETWEEN + ",")


def _is_no_word(begins: str) -> bool:
    """Whether letters and digits that begin like an IBAN are one: "is 41" and "at 12" are English."""
    return not (begins[:2].isalpha() and not begins[2].isdigit()) or begins[:2].isupper()


def _grows(account: str) -> bool:
    return _IBAN_GROWING.fullmatch(account) is not None and len(_DIGIT.findall(account)) >= GROWING_DIGITS


def _checks_out(account: str) -> bool:
    """ISO 7064, modulus 97 over the account with its first four characters moved to the end."""
    return int("".join(str(int(c, 36)) for c in account[4:] + account[:4])) % 97 == 1


def _numbers(text: str, final: bool, regions: tuple[str, ...]) -> Iterator[_Mask]:
    for run in _RUN.finditer(text):
        digits = len(_DIGIT.findall(text, *run.span()))
        if digits < GROWING_DIGITS:
            continue
        if digits > ENDLESS_DIGITS:
            yield _Mask(_led(text, run.start()), run.end(), "number")
            continue
        chains = [(match.start(), match.end()) for match in _CHAIN.finditer(text, *run.span())]
        cards = list(_cards(text, chains))
        yield from cards
        borders = [run.start(), *(place for card in cards for place in card[:2]), run.end()]
        for start, end in zip(borders[::2], borders[1::2], strict=True):
            phones = list(_phones(text, start, end, regions))
            yield from phones
            start = max([start, *(phone.end for phone in phones)])
            grows = not final and end == run.end() and _trails(text, end)
            if grows and len(_DIGIT.findall(text, start, end)) >= GROWING_DIGITS:
                digit = _DIGIT.search(text, start, end)
                yield _Mask(_led(text, digit.start() if digit is not None else start), end, "number")


def _cards(text: str, chains: list[tuple[int, int]]) -> Iterator[_Mask]:
    """The longest row of whole chains of digits that passes for a card number, from each chain on."""
    first = 0
    while first < len(chains):
        digits, found = "", None
        for last in range(first, len(chains)):
            digits += text[slice(*chains[last])]
            if len(digits) > _CARD_DIGITS[-1]:
                break
            if len(digits) in _CARD_DIGITS and _luhn(digits):
                found = last
        if found is None:
            first += 1
        else:
            yield _Mask(chains[first][0], chains[found][1], "card")
            first = found + 1


def _luhn(digits: str) -> bool:
    total = 0
    for place, c in enumerate(reversed(digits)):
        value = int(c) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _phones(text: str, start: int, end: int, regions: tuple[str, ...]) -> Iterator[_Mask]:
    if (
        len(_DIGIT.findall(text, start, end)) < GROWING_DIGITS
        or _latin(text[start - 1 : start])
        or _latin(text[end : end + 1])
    ):
        return
    begin = _led(text, start)
    number = text[begin:end]
    done = -1
    for first, last in _phones_in(number, regions):
        if first >= done:
            yield _Mask(begin + first, begin + last, "phone")
            done = last


def _phones_in(number: str, regions: tuple[str, ...]) -> list[tuple[int, int]]:
    """Where telephone numbers stand in a row of digits.

    To look for them takes 50 µs a region, and interims repeat what was said, so it is remembered: under a hash, for
    nobody's number is kept here.
    """
    key = (blake2b(number.encode(), digest_size=16).digest(), regions)
    known = _phones_known.get(key)
    if known is None:
        if len(_phones_known) >= _PHONES_KNOWN_AT_MOST:
            _phones_known.clear()
        found = {
            (match.start, match.end) for region in regions for match in phonenumbers.PhoneNumberMatcher(number, region)
        }
        known = _phones_known[key] = sorted(found)
    return known


def _latin(c: str) -> bool:
    return c.isalpha() and c < "\u0250"


def _led(text: str, start: int) -> int:
    """Where a number begins that a plus sign or a bracket leads."""
    while start > 0 and text[start - 1] in "+(":
        start -= 1
    return start


def _masked(text: str, stable: int, final: bool, masks: list[_Mask]) -> tuple[str, int]:
    parts: list[str] = []
    done = length = 0
    promised = stable
    for mask in masks:
        parts += (text[done : mask.start], MASKS[mask.kind])
        length += mask.start - done
        if mask.start < stable:
            inside = mask.end <= stable if final else mask.end < stable
            promised = length + len(MASKS[mask.kind]) + stable - mask.end if inside else length
            stable = stable if inside else mask.start
        length += len(MASKS[mask.kind])
        done = mask.end
    return "".join((*parts, text[done:])), promised


def _edge(text: str, stable: int) -> int:
    """The promised prefix without a number, or the beginning of an account, that may go on beyond it."""
    while _DIGIT.search(text, 0, stable) is not None:
        begin = stable
        while begin > 0 and (text[begin - 1] in _BETWEEN or text[begin - 1] in ",+" or text[begin - 1].isdecimal()):
            begin -= 1
        digit = _DIGIT.search(text, begin, stable)
        edge = _led(text, digit.start()) if digit is not None else stable
        for begins in _IBAN_BEGINS.finditer(text, max(0, edge - _LONGEST_ACCOUNT), edge):
            whole = _IBAN.match(text, begins.start())
            country = "".join(c for c in begins.group() if c.isalpha()).upper()
            reaches = whole is not None and whole.end() + 1 >= edge and country in _IBAN_LENGTHS
            if reaches and _is_no_word(begins.group()):
                edge = begins.start()
                break
        if edge == stable:
            return stable
        stable = edge
    return stable
