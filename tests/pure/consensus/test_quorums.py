"""n = 1..7 devices with a lying, a silent and a replaying one, in all combinations (protocols.md 1)."""

from __future__ import annotations

from itertools import combinations

import pytest

from households.consensus.config import DEFAULT_CONFIG
from households.consensus.round import Round
from households.consensus.tally import APPROVED, CORROBORATED, HELD, PLAUSIBLE
from tests.pure.consensus.simulator import Device, SimHome, room_curve, times_of

READINGS = 240
LABELS = {1: "self-attested", 2: "pair-checked", 3: "majority-checked"}
FAULTS = ("lying", "silent", "replaying")


def readings(home: SimHome, faults: dict[str, Device]) -> list[bytes]:
    times = times_of(READINGS)
    segments: list[bytes] = []
    for number, device in enumerate(home.devices):
        values = room_curve(times, seed=number, offset=5 * number)
        if device is faults.get("lying"):
            values = [value + 900 for value in values]
        made = device.segments("temperature", times, values)
        if device is faults.get("replaying"):
            made.append(made[1])
        segments += made
    return segments


def placed(home: SimHome, chosen: tuple[str, ...]) -> dict[str, Device]:
    faults = dict(zip(chosen, reversed(home.devices), strict=False))
    if "silent" in faults:
        faults["silent"].silent = True
    return faults


@pytest.mark.parametrize("n", range(1, 8))
def test_honest_devices_all_pass_with_the_label_of_their_number(n: int) -> None:
    home = SimHome(["climate"] * n)
    outcome = home.close(readings(home, {}))
    assert outcome.quorum and not outcome.held
    assert outcome.label == LABELS.get(n, "bft-verified")
    assert {entry.status for entry in outcome.series} == {APPROVED}
    assert {entry.support for entry in outcome.series} == {CORROBORATED if n >= 3 else PLAUSIBLE}


@pytest.mark.parametrize("n", range(1, 8))
@pytest.mark.parametrize("chosen", [c for size in (1, 2, 3) for c in combinations(FAULTS, size)], ids="+".join)
def test_no_faulty_series_ever_leaves(n: int, chosen: tuple[str, ...]) -> None:
    home = SimHome(["climate"] * n)
    faults = placed(home, chosen)
    outcome = home.close(readings(home, faults))
    by_device = {entry.device_id: entry for entry in outcome.series}
    if "replaying" in faults:
        assert by_device[faults["replaying"].device_id].status != APPROVED
    if "lying" in faults and n > len({"lying", "replaying"} & set(faults)):
        assert by_device[faults["lying"].device_id].status != APPROVED
    if "silent" in faults:
        quorum = {1: 1, 2: 2, 3: 2, 4: 3, 5: 4, 6: 4, 7: 5}[n]
        assert outcome.quorum == (n - 1 >= quorum)


@pytest.mark.parametrize("n", range(3, 8))
@pytest.mark.parametrize("fault", ["lying", "replaying"])
def test_one_bad_device_is_outvoted_and_the_rest_of_the_batch_goes_on(n: int, fault: str) -> None:
    home = SimHome(["climate"] * n)
    faults = placed(home, (fault,))
    outcome = home.close(readings(home, faults))
    good = [entry for entry in outcome.series if entry.device_id != faults[fault].device_id]
    expected = PLAUSIBLE if fault == "replaying" and n == 2 else CORROBORATED
    assert {(entry.status, entry.support) for entry in good} == {(APPROVED, expected)}


@pytest.mark.parametrize("n", range(4, 8))
def test_a_silent_device_stops_nobody_in_homes_of_four_and_more(n: int) -> None:
    home = SimHome(["climate"] * n)
    faults = placed(home, ("silent",))
    outcome = home.close(readings(home, faults))
    assert {(entry.status, entry.support) for entry in outcome.series} == {(APPROVED, CORROBORATED)}


def test_silence_of_three_comparable_sensors_is_never_counted_as_approval() -> None:
    home = SimHome(["climate"] * 3)
    placed(home, ("silent",))
    outcome = home.close(readings(home, {}))
    assert outcome.quorum
    silent = home.devices[-1].device_id
    assert {entry.device_id for entry in outcome.series if entry.status == APPROVED} == {silent}


def test_two_devices_that_disagree_hold_the_batch() -> None:
    home = SimHome(["climate"] * 2)
    outcome = home.close(readings(home, placed(home, ("lying",))))
    assert outcome.quorum and outcome.held
    assert {entry.status for entry in outcome.series} == {HELD}


def test_silence_of_one_of_two_holds_the_batch_until_it_votes() -> None:
    home = SimHome(["climate"] * 2)
    placed(home, ("silent",))
    proposal, batch = home.propose_batch(readings(home, {}))
    assert not home.run(proposal, batch).final
    home.devices[-1].silent = False
    assert home.run(proposal, batch).final


def test_voters_of_one_failure_domain_count_as_one() -> None:
    home = SimHome(["climate"] * 5, domains=["host-a"] * 3 + ["host-b", "host-c"])
    outcome = home.close(readings(home, {}))
    assert outcome.voters == 3
    assert outcome.label == "majority-checked"


def test_one_host_with_most_devices_can_not_make_a_quorum_alone() -> None:
    home = SimHome(["climate"] * 5, domains=["host-a"] * 3 + ["host-b", "host-c"])
    for device in home.devices[3:]:
        device.silent = True
    assert not home.close(readings(home, {})).quorum


def test_a_series_that_nobody_can_compare_is_plausible_only() -> None:
    home = SimHome(["climate"] * 3 + ["motion"])
    times = times_of(READINGS)
    segments = readings(SimHomeView(home, home.devices[:3]), {})
    segments += home.devices[3].segments("motion", times, [i // 40 % 2 for i in range(READINGS)])
    outcome = home.close(segments)
    motion = next(entry for entry in outcome.series if entry.quantity == "motion")
    assert (motion.status, motion.support, motion.comparable) == (APPROVED, PLAUSIBLE, 0)


class SimHomeView(SimHome):
    """The same home seen with some of its devices, for ``readings``."""

    def __init__(self, home: SimHome, devices: list[Device]) -> None:
        self.devices = devices


def test_leaving_out_the_votes_against_a_series_gains_the_hub_nothing() -> None:
    home = SimHome(["climate"] * 4)
    faults = placed(home, ("lying",))
    proposal, batch = home.propose_batch(readings(home, faults))
    round = home.run(proposal, batch)
    members = home.devices[0].voter.replica.members
    for left_out in combinations(round.votes, 1):
        partial = Round(proposal, home.judges(proposal), batch.terms)
        for vote in round.votes:
            if vote not in left_out:
                partial.add(vote)
        outcome = partial.outcome(members, DEFAULT_CONFIG)
        assert outcome is not None and outcome.quorum
        liar = next(entry for entry in outcome.series if entry.device_id == faults["lying"].device_id)
        assert liar.status != APPROVED
