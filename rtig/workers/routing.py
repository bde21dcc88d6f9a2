"""Which worker has a call. Pure, and the same for ever: where a call's events are kept follows from it."""

from zlib import crc32


def owner_of(tenant: str, call_id: str, workers: int) -> int:
    return crc32(f"{tenant}\0{call_id}".encode("utf-8", "surrogatepass")) % workers
