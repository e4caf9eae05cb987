"""What an agent is told to be: one JSON object for a device, read from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

from marketplace.common.errors import InputError

T = TypeVar("T")
Count = Annotated[int, msgspec.Meta(ge=0)]


class SpecInvalid(InputError):
    """The specification file can't be used."""

    code = "agent_spec_invalid"
    title = "The agent's specification is not valid"


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base: a misspelt field is an error, not a default."""


class Simulated(Strict, tag="simulated", tag_field="kind", frozen=True):
    """Household-like curves in real time. Devices with one ``shared_seed`` and area see the same room, each with its
    own noise from ``seed``. ``day_ms`` is how long the curves' day takes: shorter for a demo. ``load`` is a file
    with the power that the house draws, a line in W for each minute of some days, which a mains meter shows; without
    it, it shows a curve.
    """

    seed: int
    shared_seed: int = 0
    day_ms: Annotated[int, msgspec.Meta(ge=10_000)] = 86_400_000
    load: str = ""


class Replay(Strict, tag="replay", tag_field="kind", frozen=True):
    """Rows of a CSV file, sent as fast as the hub acknowledges them, marked as backfilled.

    ``columns`` maps a quantity to its column, ``where`` keeps the rows with these texts. The time is ``start_ms``
    plus the number in ``time_column`` times ``time_unit_ms``, or, with ``time_format``, the UTC time that the texts of
    ``time_column`` (and ``clock_column``, after a space) spell, plus ``start_ms``. Rows outside
    ``from_ms``..``until_ms`` are left out (0: no limit). ``scale`` multiplies a quantity's numbers.
    """

    path: str
    columns: dict[str, str]
    time_column: str
    clock_column: str = ""
    time_format: str = ""
    time_unit_ms: int = 1
    start_ms: int = 0
    from_ms: int = 0
    until_ms: int = 0
    where: dict[str, str] = {}
    scale: dict[str, float] = {}


class Silent(Strict, tag="silent", tag_field="kind", frozen=True):
    """For demo and tests: no votes, or no readings either, once the agent has run for ``after_ms``."""

    votes: bool = True
    readings: bool = False
    after_ms: int = 0


class Span(Strict, frozen=True):
    """When a fault acts, in the time of the readings; ``until_ms`` 0 is for ever."""

    quantity: str
    from_ms: Count = 0
    until_ms: Count = 0

    def acts(self, quantity: str, t_ms: int) -> bool:
        """Whether the fault touches this quantity at this time."""
        return quantity == self.quantity and t_ms >= self.from_ms and (not self.until_ms or t_ms < self.until_ms)


class Lying(Span, tag="lying", tag_field="kind", frozen=True):
    """For demo and tests: ``offset`` and ``drift_per_hour`` (in units) are added to a quantity."""

    offset: float = 0.0
    drift_per_hour: float = 0.0


class Resend(Span, tag="resend", tag_field="kind", frozen=True):
    """For demo and tests: each segment is followed by one that was sent before, as it was
    (``verbatim``), or as old values with new times and sequences."""

    verbatim: bool = True


class Playback(Span, tag="playback", tag_field="kind", frozen=True):
    """For demo and tests: a quantity's values are those of the period before, one by one."""

    period_ms: Annotated[int, msgspec.Meta(ge=1000)] = 86_400_000


Source = Simulated | Replay
Fault = Silent | Lying | Resend | Playback


class AgentSpec(Strict, frozen=True):
    """One device. ``url`` is the home's WebSocket, ``code`` the owner's enrolment code, ``state_dir`` where key,
    pins, vote log and blocks are kept. ``quantities`` (default: those of the class that the source has) are
    what it measures.
    """

    name: str
    url: str
    state_dir: str
    device_class: str
    area: str
    source: Source
    failure_domain: str = ""
    code: str = ""
    model: str = "hearth-agent"
    quantities: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    interval_ms: Count = 0
    upload_ms: Count = 0


class HostSpec(Strict, frozen=True):
    """Many devices, each to be run in a process of its own."""

    devices: tuple[AgentSpec, ...]


def agent_spec_read(path: Path) -> AgentSpec:
    """The specification of one device; raises ``SpecInvalid``."""
    return _read(path, AgentSpec)


def host_spec_read(path: Path) -> HostSpec:
    """The specification of many devices; raises ``SpecInvalid``."""
    return _read(path, HostSpec)


def _read(path: Path, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError) as error:
        raise SpecInvalid(f"{path.name}: {error}") from error
