"""The formats that rtig reads, by the name that a source gives in its hello."""

from types import MappingProxyType

from rtig.errors import Code, MessageRefused
from rtig.ingest.deepgram import Deepgram
from rtig.ingest.lca import LiveCallAnalytics
from rtig.ingest.native import Native
from rtig.ingest.speechmatics import Speechmatics
from rtig.ingest.translator import Factory

FORMATS: MappingProxyType[str, Factory] = MappingProxyType(
    {"rtig": Native, "speechmatics": Speechmatics, "deepgram": Deepgram, "lca": LiveCallAnalytics}
)


def factory(name: str) -> Factory:
    """Raises `MessageRefused` (UNKNOWN_FORMAT) that lists the formats there are."""
    if name not in FORMATS:
        raise MessageRefused(Code.UNKNOWN_FORMAT, f"format must be one of {', '.join(sorted(FORMATS))}.")
    return FORMATS[name]
