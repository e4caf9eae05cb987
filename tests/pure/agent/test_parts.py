"""The agent's parts without a process: key and logs on disk, the queue, sources and faults."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.consensus.ballot import ballot_extra
from households.agent.faults import RESEND_AFTER, Faults
from households.agent.files import AppendLog, FileVoteLog, StateDir
from households.agent.keyfile import KEY_FILE, KeyFileBroken, key_load_or_create
from households.agent.outbox import Outbox
from households.agent.sources import Reading, quantities_of, replayed, simulated_now
from households.agent.spec import (
    AgentSpec,
    Fault,
    Lying,
    Playback,
    Replay,
    Resend,
    Silent,
    Simulated,
    SpecInvalid,
    agent_spec_read,
)  # fmt: skip
from households.consensus.memory import Memory
from households.consensus.readings import segment_parse
from households.consensus.voting import vote_once
from tests.pure.consensus.realdata import ROOM, requires_real_data
from tests.pure.consensus.simulator import DAY_MS, SimHome, secret

DAY = 1_700_006_400_000 // DAY_MS * DAY_MS


def spec(*faults: Fault, device_class: str = "climate") -> AgentSpec:
    return AgentSpec("d", "ws://nowhere", "unused", device_class, "hall", Simulated(seed=1), faults=faults)


def outbox(**next_sequences: int) -> Outbox:
    return Outbox(
        secret=secret("d"), ledger="home", device_id=b"\1" * 20, account=b"\2" * 20, units={"temperature": "C"},
        next_sequences=next_sequences, backfilled=False,
    )  # fmt: skip


def fill(box: Outbox, count: int, start_ms: int = DAY) -> None:
    for number in range(count):
        box.add(Reading("temperature", start_ms + number * 1000, 2000 + number % 7))


def test_the_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    first = key_load_or_create(tmp_path)
    assert key_load_or_create(tmp_path) == first
    (tmp_path / KEY_FILE).chmod(0o644)
    with pytest.raises(KeyFileBroken):
        key_load_or_create(tmp_path)


def test_a_damaged_key_is_never_replaced_by_a_new_one(tmp_path: Path) -> None:
    key_load_or_create(tmp_path)
    (tmp_path / KEY_FILE).write_bytes(b"short")
    with pytest.raises(KeyFileBroken):
        key_load_or_create(tmp_path)


@given(cut=st.integers(0, 40))
def test_a_log_cut_short_by_a_crash_keeps_every_whole_record(cut: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.log"
        with AppendLog(path) as log:
            for number in range(4):
                log.append(bytes([number]) * 6)
        path.write_bytes(path.read_bytes()[: 40 - cut])
        with AppendLog(path) as log:
            whole = (40 - cut) // 10
            assert log.records == [bytes([number]) * 6 for number in range(whole)]
            log.append(b"after")
        with AppendLog(path) as log:
            assert log.records[-1] == b"after" and len(log.records) == whole + 1


def test_a_vote_is_on_disk_before_it_can_be_sent(tmp_path: Path) -> None:
    home = SimHome(["climate"])
    proposal = home.proposal([])
    log = FileVoteLog(tmp_path / "votes.log")
    vote = vote_once(log, proposal, ballot_extra((), ()), secret("device-0"))
    again = FileVoteLog(tmp_path / "votes.log")
    signed = again.find(proposal.body.header.height, 0)
    assert signed is not None and signed.vote == vote
    assert vote_once(again, proposal, ballot_extra((), ()), secret("device-0")) == vote


def test_a_damaged_memory_is_forgotten_and_stops_nobody(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    state.memory_save(Memory())
    (tmp_path / "memory").write_bytes(b"junk")
    assert state.memory() == Memory()


def test_unanswered_readings_are_sent_again_and_answered_ones_never() -> None:
    box = outbox()
    fill(box, 150)
    sent = box.to_send(DAY, flush=True)
    assert [segment_parse(raw).segment.first_sequence for raw in sent] == [1, 61, 121]
    assert box.to_send(DAY, flush=True) == []
    box.acked("temperature", 1, "", 61)
    box.restarted({"temperature": 61})
    assert box.to_send(DAY, flush=True) == sent[1:]


def test_what_the_hub_stored_before_the_connection_broke_is_not_sent_again() -> None:
    box = outbox()
    fill(box, 150)
    box.to_send(DAY, flush=True)
    box.restarted({"temperature": 121})
    assert [segment_parse(raw).segment.first_sequence for raw in box.to_send(DAY, flush=True)] == [121]


def test_sequences_go_on_from_what_the_hub_has() -> None:
    box = outbox(temperature=500)
    fill(box, 10)
    assert segment_parse(box.to_send(DAY, flush=True)[0]).segment.first_sequence == 500


def test_a_code_that_asks_for_a_retry_keeps_the_segment_and_another_drops_it() -> None:
    box = outbox()
    fill(box, 60)
    box.to_send(DAY, flush=True)
    box.acked("temperature", 1, "unavailable", 1)
    assert len(box.to_send(DAY, flush=True)) == 1
    box.acked("temperature", 1, "segment_out_of_time", 1)
    assert box.empty


def test_a_segment_never_holds_readings_of_two_days() -> None:
    box = outbox()
    fill(box, 20, DAY + DAY_MS - 5000)
    sizes = [len(segment_parse(raw).segment.values) for raw in box.to_send(DAY + DAY_MS, flush=True)]
    assert sizes == [5, 15]


def test_a_hub_that_stays_away_costs_the_oldest_readings_and_no_memory() -> None:
    box = outbox()
    fill(box, 21_000)
    assert box.waiting == 20_000 and box.dropped == 1000
    first = segment_parse(box.to_send(DAY, flush=True)[0]).segment
    assert first.first_sequence == 1001 and first.times_ms[0] == DAY + 1_000_000


def test_live_readings_that_waited_for_long_are_marked_as_backfilled() -> None:
    box = outbox()
    fill(box, 2, DAY)
    assert segment_parse(box.to_send(DAY + 3_600_000, flush=True)[0]).segment.backfilled


def test_playback_repeats_yesterday_reading_by_reading() -> None:
    faults = Faults(spec(Playback("temperature", from_ms=DAY + DAY_MS)))
    today = [faults.applied(Reading("temperature", DAY + i * 1000, 2000 + i)).value for i in range(50)]
    later = [faults.applied(Reading("temperature", DAY + DAY_MS + i * 1000, 3000 + i)).value for i in range(50)]
    assert today == later


def test_a_device_falls_silent_only_after_its_time() -> None:
    faults = Faults(spec(Silent(votes=True, readings=True, after_ms=1000)), began_ms=DAY)
    assert (faults.votes(DAY + 999), faults.measures(DAY + 999)) == (True, True)
    assert (faults.votes(DAY + 1000), faults.measures(DAY + 1000)) == (False, False)


def test_a_lie_grows_by_its_drift_and_touches_no_other_quantity() -> None:
    faults = Faults(spec(Lying("temperature", offset=1.0, drift_per_hour=0.5, from_ms=DAY)))
    assert faults.applied(Reading("temperature", DAY - 1, 2000)).value == 2000
    assert faults.applied(Reading("temperature", DAY + 7_200_000, 2000)).value == 2200
    assert faults.applied(Reading("humidity", DAY + 7_200_000, 4000)).value == 4000


def test_values_sent_again_come_with_new_times() -> None:
    faults = Faults(spec(Resend("temperature", verbatim=False)))
    given_out = [faults.applied(Reading("temperature", DAY + i, i)) for i in range(RESEND_AFTER * 2)]
    assert [reading.t_ms for reading in given_out] == [DAY + i for i in range(RESEND_AFTER * 2)]
    values = [reading.value for reading in given_out]
    assert values[RESEND_AFTER : 2 * RESEND_AFTER - 1] == values[: RESEND_AFTER - 1]


def test_simulated_curves_are_the_same_on_each_call_and_near_to_a_neighbours() -> None:
    here, there = spec(), AgentSpec("e", "", "", "climate", "hall", Simulated(seed=2))
    first = simulated_now(here, Simulated(seed=1), quantities_of(here), DAY)
    assert first == simulated_now(here, Simulated(seed=1), quantities_of(here), DAY)
    other = simulated_now(there, Simulated(seed=2), quantities_of(there), DAY)
    assert first != other and abs(first[0].value - other[0].value) < 300


def test_a_mains_meter_follows_the_load_of_its_house_minute_by_minute(tmp_path: Path) -> None:
    path = tmp_path / "load.txt"
    path.write_text("".join(f"{100 + minute}\n" for minute in range(2 * 1440)))
    source = Simulated(seed=1, day_ms=1_440_000, load=str(path))
    device = AgentSpec("m", "", "", "mains", "cellar", source, quantities=("power",))
    for day, minute in ((0, 0), (0, 700), (1, 3), (2, 3)):
        (reading,) = simulated_now(device, source, quantities_of(device), 1_440_000 * day + 1000 * minute)
        wanted = 100 + minute + 1440 * (day % 2)
        assert abs(reading.value / 10 - wanted) < 0.06 * wanted
    first, again = (simulated_now(device, source, quantities_of(device), 2_880_000 * n)[0].value for n in (0, 1))
    assert first != again  # a meter that repeats itself to the digit would be taken for a copy


@requires_real_data
def test_the_room_is_replayed_from_its_file() -> None:
    source = Replay(str(ROOM), {"temperature": "S1_Temp"}, "Date", clock_column="Time", time_format="%Y-%m-%d %H:%M:%S")
    device = AgentSpec("d", "", "", "multi", "room", source)
    readings = list(replayed(source, quantities_of(device)))
    assert len(readings) == 10_129 - 6
    assert (readings[0].t_ms, readings[0].value) == (1_513_939_781_000, 2494)


def test_a_missing_file_column_or_field_is_named() -> None:
    with pytest.raises(SpecInvalid, match="can't be read"):
        list(replayed(Replay("/nowhere.csv", {}, "t"), ()))
    bad = Path("/nowhere.json")
    with pytest.raises(SpecInvalid, match=r"nowhere\.json"):
        agent_spec_read(bad)


def test_a_misspelt_field_of_a_specification_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    path.write_text('{"name": "d", "ulr": "x"}')
    with pytest.raises(SpecInvalid):
        agent_spec_read(path)


def test_the_agent_needs_no_django() -> None:
    code = "import sys, households.agent.connection; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
