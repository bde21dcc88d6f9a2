"""What is owed in one call: acknowledgements to its source, lines to its sidebar. Pure; times come in.

A source keeps each frame until it is acknowledged and sends it again on a new connection. A fragment is told to its
sidebar at most once. An interim text may never be, where a newer one has taken its place: it then counts as told when
the newer one is.
"""

UNTIMED = 0.0
"""In place of the time that an answer counts from, where the client itself was away meanwhile."""


class _Owed:
    __slots__ = ("final", "key", "rev", "since")

    def __init__(self, key: bytes, rev: int, since: float, final: bool) -> None:
        self.key = key
        self.rev = rev
        self.since = since
        self.final = final


class Ledger:
    def __init__(self) -> None:
        self.acknowledged_twice = 0
        self.told_twice = 0
        self.superseded = 0
        self.finals_untold = 0
        self._seq = 0  # of the last event that was acknowledged
        self._frames: dict[bytes, bytes] = {}  # not acknowledged yet, in the order of sending
        self._owed: dict[bytes, list[_Owed]] = {}  # not told yet, by segment, in the order of sending

    @property
    def unacknowledged(self) -> int:
        return len(self._frames)

    @property
    def settled(self) -> bool:
        return not self._frames and not self.finals_untold

    def sent(self, key: bytes, frame: bytes) -> None:
        """An event that is no fragment."""
        self._frames[key] = frame

    def fragment(self, segment: bytes, rev: int, frame: bytes, since: float, final: bool) -> None:
        """`since` is what the time until it is told counts from."""
        key = b"%b@%d" % (segment, rev)
        self._frames[key] = frame
        self._owed.setdefault(segment, []).append(_Owed(key, rev, since, final))
        self.finals_untold += final

    def acknowledge(self, key: bytes, seq: int) -> None:
        """Positions rise with the order of sending, also of what was sent again."""
        if self._frames.pop(key, None) is None or seq <= self._seq:
            self.acknowledged_twice += 1
        self._seq = max(seq, self._seq)

    def tell(self, segment: bytes, rev: int) -> list[float]:
        """What the times until this line count from: its own, and those of the older texts that it has superseded."""
        owed = self._owed.get(segment)
        if owed is None or rev < owed[0].rev:
            self.told_twice += 1
            return []
        told: list[float] = []
        while owed and owed[0].rev <= rev:
            one = owed.pop(0)
            self.finals_untold -= one.final
            self.superseded += one.rev < rev
            if one.since != UNTIMED:
                told.append(one.since)
        if not owed:
            del self._owed[segment]
        return told

    def dropped(self) -> None:
        """The source's connection is gone: what is on its way will be late, and that is not the server's doing."""
        for owed in self._owed.values():
            for one in owed:
                if one.key in self._frames:
                    one.since = UNTIMED

    def again(self) -> list[bytes]:
        """The frames to send on a new connection, in order."""
        return list(self._frames.values())
