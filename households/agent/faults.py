"""Faults that demo, story and tests ask for: what a broken or malicious device would send."""

from __future__ import annotations

from collections import defaultdict, deque

from households.agent.sources import Reading
from households.agent.spec import AgentSpec, Lying, Playback, Resend, Silent
from households.privacy.classes import quantity_of

_HOUR_MS = 3_600_000
RESEND_AFTER = 240


class Faults:
    """The faults of one device. Without any, everything passes as it is."""

    def __init__(self, spec: AgentSpec, began_ms: int = 0) -> None:
        """``began_ms`` is when the agent started, by its clock."""
        self._began_ms = began_ms
        self._device_class = spec.device_class
        self._lies = [fault for fault in spec.faults if isinstance(fault, Lying)]
        self._plays = [fault for fault in spec.faults if isinstance(fault, Playback)]
        self._silent = [fault for fault in spec.faults if isinstance(fault, Silent)]
        self._resends = [fault for fault in spec.faults if isinstance(fault, Resend)]
        self._recent: dict[str, deque[int]] = defaultdict(lambda: deque(maxlen=RESEND_AFTER))
        self._counts: dict[str, int] = defaultdict(int)
        self._seen: dict[str, dict[int, list[int]]] = defaultdict(dict)
        self._began: dict[str, int] = {}

    def votes(self, now_ms: int) -> bool:
        """Whether the device votes by now."""
        return not any(fault.votes for fault in self._silent if now_ms - self._began_ms >= fault.after_ms)

    def measures(self, now_ms: int) -> bool:
        """Whether the device sends readings by now."""
        return not any(fault.readings for fault in self._silent if now_ms - self._began_ms >= fault.after_ms)

    def applied(self, reading: Reading) -> Reading:
        """The reading as the device sends it."""
        for fault in self._plays:
            if fault.quantity == reading.quantity:
                reading = self._played_back(reading, fault)
        for resend in self._resends:
            if resend.quantity == reading.quantity and not resend.verbatim:
                reading = self._sent_again(reading, resend)
        for lie in self._lies:
            if lie.acts(reading.quantity, reading.t_ms):
                reading = self._lied(reading, lie)
        return reading

    @property
    def resent(self) -> frozenset[str]:
        """The quantities of which old segments are kept to be sent again."""
        return frozenset(fault.quantity for fault in self._resends if fault.verbatim)

    def resends(self, quantity: str, t_ms: int) -> bool:
        """Whether old segments of a quantity are sent again, as they were, at this time."""
        return any(fault.verbatim and fault.acts(quantity, t_ms) for fault in self._resends)

    def _sent_again(self, reading: Reading, fault: Resend) -> Reading:
        """Of twice ``RESEND_AFTER`` readings, the second half has the values of the first, with the present times."""
        recent = self._recent[reading.quantity]
        self._counts[reading.quantity] += fault.acts(reading.quantity, reading.t_ms)
        acts = fault.acts(reading.quantity, reading.t_ms) and len(recent) == RESEND_AFTER
        again = acts and self._counts[reading.quantity] // RESEND_AFTER % 2 == 1
        value = recent[0] if again else reading.value
        recent.append(value)
        return Reading(reading.quantity, reading.t_ms, value)

    def _lied(self, reading: Reading, lie: Lying) -> Reading:
        began = self._began.setdefault(reading.quantity, lie.from_ms or reading.t_ms)
        hours = (reading.t_ms - began) / _HOUR_MS
        scale = 10 ** quantity_of(self._device_class, reading.quantity).decimals
        added = round((lie.offset + lie.drift_per_hour * hours) * scale)
        return Reading(reading.quantity, reading.t_ms, reading.value + added)

    def _played_back(self, reading: Reading, fault: Playback) -> Reading:
        """What was sent at the same place of the newest earlier period that has one; the true value if there is
        none."""
        periods = self._seen[reading.quantity]
        today = periods.setdefault(reading.t_ms // fault.period_ms, [])
        place = len(today)
        earlier = [number for number in sorted(periods)[:-1] if len(periods[number]) > place]
        played = fault.acts(reading.quantity, reading.t_ms) and earlier
        value = periods[earlier[-1]][place] if played else reading.value
        today.append(value)
        return Reading(reading.quantity, reading.t_ms, value)
