"""The formats that rtig reads, by the name that a source gives in its hello."""

from types import MappingProxyType

from rtig.errors import Code, MessageRefused
from rtig.ingest.deepgram import Deepgram
from rtig.ingest.dialogue import Dialogue
from rtig.ingest.lca import LiveCallAnalytics
from rtig.ingest.native import Native
from rtig.ingest.speechmatics import Speechmatics
from rtig.ingest.translator import Factory

FORMATS: MappingProxyType[str, Factory] = MappingProxyType(
    {"rtig": Native, "speechmatics": Speechmatics, "deepgram": Deepgram, "lca": LiveCallAnalytics}
)
FILE_FORMATS: MappingProxyType[str, Factory] = MappingProxyType({**FORMATS, "dialogue": Dialogue})
"""Those that a file may have; the last names its calls itself, which over a socket the hello does."""


def factory(name: str) -> Factory:
    """Of a file's format. Raises `MessageRefused` (UNKNOWN_FORMAT) that lists the formats there are."""
    if name not in FILE_FORMATS:
        raise MessageRefused(Code.UNKNOWN_FORMAT, f"format must be one of {', '.join(sorted(FILE_FORMATS))}.")
    return FILE_FORMATS[name]
