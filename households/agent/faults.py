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

    def __init__(self, spec: AgentSpec) -> None:
        self._device_class = spec.device_class
        self._lies = [fault for fault in spec.faults if isinstance(fault, Lying)]
        self._plays = [fault for fault in spec.faults if isinstance(fault, Playback)]
        self._silent = [fault for fault in spec.faults if isinstance(fault, Silent)]
        self._resends = [fault for fault in spec.faults if isinstance(fault, Resend)]
        self._recent: dict[str, deque[int]] = defaultdict(lambda: deque(maxlen=RESEND_AFTER))
        self._seen: dict[str, dict[int, list[int]]] = defaultdict(dict)
        self._began: dict[str, int] = {}

    @property
    def votes(self) -> bool:
        """Whether the device votes."""
        return not any(fault.votes for fault in self._silent)

    @property
    def measures(self) -> bool:
        """Whether the device sends readings."""
        return not any(fault.readings for fault in self._silent)

    def applied(self, reading: Reading) -> Reading:
        """The reading as the device sends it."""
        for fault in self._plays:
            if fault.quantity == reading.quantity:
                reading = self._played_back(reading, fault)
        for resend in self._resends:
            if resend.quantity == reading.quantity and not resend.verbatim:
                reading = self._sent_again(reading, resend)
        for lie in self._lies:
            if lie.quantity == reading.quantity and reading.t_ms >= lie.from_ms:
                reading = self._lied(reading, lie)
        return reading

    def resends(self, quantity: str, t_ms: int) -> bool:
        """Whether old segments of a quantity are sent again, as they were, at this time."""
        return any(fault.verbatim and fault.quantity == quantity and t_ms >= fault.from_ms for fault in self._resends)

    def _sent_again(self, reading: Reading, fault: Resend) -> Reading:
        """The value of ``RESEND_AFTER`` readings ago, with the present time."""
        recent = self._recent[reading.quantity]
        old = recent[0] if len(recent) == RESEND_AFTER and reading.t_ms >= fault.from_ms else reading.value
        recent.append(reading.value)
        return Reading(reading.quantity, reading.t_ms, old)

    def _lied(self, reading: Reading, lie: Lying) -> Reading:
        began = self._began.setdefault(reading.quantity, lie.from_ms or reading.t_ms)
        hours = (reading.t_ms - began) / _HOUR_MS
        scale = 10 ** quantity_of(self._device_class, reading.quantity).decimals
        added = round((lie.offset + lie.drift_per_hour * hours) * scale)
        return Reading(reading.quantity, reading.t_ms, reading.value + added)

    def _played_back(self, reading: Reading, fault: Playback) -> Reading:
        """The value at the same place in the newest earlier period that has one; the true one if there is none."""
        periods = self._seen[reading.quantity]
        today = periods.setdefault(reading.t_ms // fault.period_ms, [])
        place = len(today)
        today.append(reading.value)
        if reading.t_ms < fault.from_ms:
            return reading
        earlier = [number for number in sorted(periods)[:-1] if len(periods[number]) > place]
        value = periods[earlier[-1]][place] if earlier else reading.value
        return Reading(reading.quantity, reading.t_ms, value)
