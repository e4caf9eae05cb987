"""Readings on their way to the hub: gathered into segments, signed, kept in memory until acknowledged.

Bounded: when the hub is away for long the oldest unsigned readings are dropped, and their sequence numbers with them
are never used, so the gap is honest. What was acknowledged is the hub's to keep; what was not is sent again.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Mapping

from households.agent.sources import Reading
from households.consensus.messages import RETRY_CODES, WINDOW
from households.consensus.readings import MAX_READINGS, Segment, segment_sign

MAX_WAITING = 20_000
FRESH_MS = 4 * 60_000
_DAY_MS = 86_400_000


class Outbox:
    """The queue of one device."""

    def __init__(
        self,
        *,
        secret: bytes,
        ledger: str,
        device_id: bytes,
        account: bytes,
        units: Mapping[str, str],
        next_sequences: Mapping[str, int],
        backfilled: bool,
    ) -> None:
        self._secret = secret
        self._ledger, self._device_id, self._account = ledger, device_id, account
        self._units = units
        self._backfilled = backfilled
        self._next = defaultdict(lambda: 1, next_sequences)
        self._waiting: dict[str, deque[Reading]] = defaultdict(deque)
        self._unacked: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._sent: set[tuple[str, int]] = set()
        self.dropped = 0

    @property
    def waiting(self) -> int:
        """How many readings are not signed yet."""
        return sum(len(queue) for queue in self._waiting.values())

    @property
    def empty(self) -> bool:
        """Whether everything was acknowledged."""
        return not self._unacked and not self.waiting

    @property
    def full(self) -> bool:
        """Whether a source that can wait should."""
        return self.waiting >= MAX_READINGS * WINDOW or len(self._unacked) >= WINDOW

    def add(self, reading: Reading) -> None:
        """Queue a reading; drops the quantity's oldest when there are too many."""
        queue = self._waiting[reading.quantity]
        queue.append(reading)
        if self.waiting > MAX_WAITING:
            queue.popleft()
            self._next[reading.quantity] += 1
            self.dropped += 1

    def restarted(self, next_sequences: Mapping[str, int]) -> None:
        """A new connection: what the hub has stored is done, the rest is sent again."""
        for place in list(self._unacked):
            quantity, first = place
            if first < next_sequences.get(quantity, 1):
                del self._unacked[place]
        for quantity, sequence in next_sequences.items():
            self._next[quantity] = max(self._next[quantity], sequence)
        self._sent.clear()

    def to_send(self, now_ms: int, *, flush: bool) -> list[bytes]:
        """Raw segments to send now, oldest first, at most a window unanswered. ``flush`` signs partial segments too."""
        for quantity in list(self._waiting):
            self._sign(quantity, now_ms, flush)
        ready = []
        for place, raw in self._unacked.items():
            if len(self._sent) >= WINDOW:
                break
            if place not in self._sent:
                self._sent.add(place)
                ready.append(raw)
        return ready

    def acked(self, quantity: str, first_sequence: int, code: str, next_sequence: int) -> None:
        """The hub's answer to one segment."""
        place = (quantity, first_sequence)
        self._sent.discard(place)
        if code in RETRY_CODES:
            return
        self._unacked.pop(place, None)
        self._next[quantity] = max(self._next[quantity], next_sequence)

    def _sign(self, quantity: str, now_ms: int, flush: bool) -> None:
        queue = self._waiting[quantity]
        while queue and len(self._unacked) < 2 * WINDOW:
            part = _same_day(queue)
            if len(part) < MAX_READINGS and len(part) == len(queue) and not flush:
                return
            for _ in part:
                queue.popleft()
            self._put(quantity, part, now_ms)

    def _put(self, quantity: str, part: list[Reading], now_ms: int) -> None:
        first = self._next[quantity]
        segment = Segment(
            ledger=self._ledger,
            device_id=self._device_id,
            account=self._account,
            quantity=quantity,
            unit=self._units[quantity],
            first_sequence=first,
            backfilled=self._backfilled or part[0].t_ms < now_ms - FRESH_MS,
            times_ms=tuple(reading.t_ms for reading in part),
            values=tuple(reading.value for reading in part),
        )
        self._unacked[(quantity, first)] = segment_sign(segment, self._secret)
        self._next[quantity] = first + len(part)


def _same_day(queue: deque[Reading]) -> list[Reading]:
    """The readings that go into the next segment: at most 60, of one UTC day, so that a day's batch has whole
    segments, and with rising times."""
    part: list[Reading] = []
    for reading in queue:
        if len(part) == MAX_READINGS:
            break
        if part and (reading.t_ms // _DAY_MS != part[0].t_ms // _DAY_MS or reading.t_ms <= part[-1].t_ms):
            break
        part.append(reading)
    return part
