"""The home's rules: who judges whom, what is held, voided, outvoted, quarantined, and what stops everything."""

from __future__ import annotations

import pytest
from django.utils import timezone

from chain.core.codec import encode
from chain.crypto.secp256k1 import public_key
from households.consensus.errors import VoteFromStranger
from households.consensus.proposal import HubFault, proposal_parse, proposal_sign
from households.errors import EvidenceEmpty, NothingToVoid, PairingCodeWrong
from households.models import Batch, BlockProposal, Device, Household, Lot, MembershipChange
from households.services import agents, finality, voting
from households.services.devices import (
    device_leave,
    device_quarantine,
    device_readmit,
    device_revoke,
    device_set_permissions,
)
from households.services.ledgers import device_ledger
from households.services.pairing import pairing_code_create
from households.services.proposing import proposal_void
from households.services.voting import ledger_advance
from households.uploads.services.batches import batch_close
from households.uploads.services.pipeline import uploads_advance
from tests.households.market import MemoryMarket
from tests.households.world import DAY_MS, START_MS, TestDevice, devices_new, everybody_votes, home_new, share

pytestmark = pytest.mark.django_db(databases="__all__")


def closed(home: Household, day: int = 0) -> Batch:
    """A batch of the day, laid out and proposed."""
    batch = batch_close(household=home, cut_ms=START_MS + (day + 1) * DAY_MS)
    assert batch is not None
    uploads_advance(home)
    ledger_advance(home)
    batch.refresh_from_db()
    return batch


def test_a_lying_device_is_outvoted_and_the_rest_of_the_batch_goes_on(market: MemoryMarket) -> None:
    home = home_new()
    devices = devices_new(home, 4)
    share(home, "climate")
    for number, device in enumerate(devices):
        device.measure("temperature", shift=900 if number == 3 else 0)
    batch = closed(home)
    everybody_votes(devices)
    batch.refresh_from_db()
    assert (batch.state, batch.series_rejected, batch.readings_rejected) == ("certified", 1, 288)
    liar = Lot.objects.using("home").get(state=Lot.State.REJECTED)
    assert liar.device_id == devices[3].row.pk and liar.reject_code == "off_the_median"
    assert Lot.objects.using("home").filter(state=Lot.State.CERTIFIED).count() == 3


def test_a_device_that_lies_again_and_again_goes_into_quarantine_and_can_be_readmitted(market: MemoryMarket) -> None:
    home = home_new()
    devices = devices_new(home, 4)
    for day in range(3):
        for number, device in enumerate(devices):
            if device.row.status == Device.Status.ACTIVE:
                device.measure("temperature", day=day, shift=900 if number == 3 else day)
        closed(home, day)
        everybody_votes(devices)
        everybody_votes(devices)
    assert devices[3].row.status == Device.Status.QUARANTINED
    assert devices[3].measure("temperature", day=5)[0].code == "device_inactive"
    device_readmit(device=devices[3].row)
    ledger_advance(home)
    everybody_votes(devices[:3])
    assert devices[3].row.status == Device.Status.ACTIVE


def test_a_silent_device_does_not_stop_four(market: MemoryMarket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voting, "GRACE", voting.GRACE * 0)
    home = home_new()
    devices = devices_new(home, 4)
    devices[0].measure("temperature")
    batch = closed(home)
    everybody_votes(devices[:3])
    ledger_advance(home)
    batch.refresh_from_db()
    assert batch.state == Batch.State.CERTIFIED


def test_a_quorum_out_of_reach_for_minutes_is_told_to_the_owner_until_it_is_back(market: MemoryMarket) -> None:
    home = home_new()
    devices = devices_new(home, 4)
    devices[0].measure("temperature")
    closed(home)
    everybody_votes(devices[:2])
    assert ledger_advance(home) == 0
    home.refresh_from_db()
    assert home.quorum_lost_at is None
    proposals = BlockProposal.objects.using("home").filter(state="open")
    since = timezone.now() - voting.QUORUM_LOST
    proposals.update(created_at=since)
    ledger_advance(home)
    home.refresh_from_db()
    assert home.quorum_lost_at == since
    everybody_votes(devices)
    home.refresh_from_db()
    assert home.quorum_lost_at is None


def test_a_batch_counts_once_against_a_device_however_many_workers_finish_it(
    market: MemoryMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = home_new()
    devices = devices_new(home, 4)
    for number, device in enumerate(devices):
        device.measure("temperature", shift=0 if number else 1500)
    closed(home)
    counted = finality.series_readings
    finishes: list[bool] = []

    def overtaken(batch: Batch) -> dict[tuple[bytes, str], int]:
        """Another worker finishes the block while this one, too, has found the batch still open."""
        if not finishes:
            finishes.append(True)
            row = BlockProposal.objects.using("home").select_related("household").get(batch_id=bytes(batch.batch_id))
            with device_ledger(home) as ledger:
                finality.block_finish(row, ledger, before=None)
        return counted(batch)

    monkeypatch.setattr(finality, "series_readings", overtaken)
    everybody_votes(devices)
    assert finishes
    assert (devices[0].row.score_bad_run, devices[1].row.score_bad_run) == (1, 0)


def test_two_that_disagree_hold_the_batch_until_the_owner_decides(market: MemoryMarket) -> None:
    home = home_new()
    devices = devices_new(home, 2)
    share(home, "climate")
    for number, device in enumerate(devices):
        device.measure("temperature", shift=900 * number)
    batch = closed(home)
    everybody_votes(devices)
    batch.refresh_from_db()
    assert batch.state == Batch.State.PROPOSED
    assert BlockProposal.objects.using("home").get(state="open").held
    proposal_void(household=home)
    device_quarantine(device=devices[1].row, reason="owner")
    uploads_advance(home)
    ledger_advance(home)
    everybody_votes(devices)  # the quarantine; then the batch is laid out again without that device's lot
    uploads_advance(home)
    ledger_advance(home)
    everybody_votes(devices[:1])
    batch.refresh_from_db()
    assert (batch.state, batch.label) == (Batch.State.CERTIFIED, "self-attested")
    assert {lot.state for lot in Lot.objects.using("home").filter(device=devices[0].row)} == {"certified"}
    assert {lot.state for lot in Lot.objects.using("home").filter(device=devices[1].row)} == {"rejected"}
    assert devices[0].row.score_bad_run == 0


def test_a_void_round_is_proposed_again_in_the_next_round(market: MemoryMarket) -> None:
    home = home_new()
    devices = devices_new(home, 3)
    devices[0].measure("temperature")
    batch = closed(home)
    proposal_void(household=home)
    uploads_advance(home)
    ledger_advance(home)
    row = BlockProposal.objects.using("home").get(state="open")
    assert (row.round, row.kind) == (1, "batch")
    everybody_votes(devices)
    batch.refresh_from_db()
    assert batch.state == Batch.State.CERTIFIED and batch.round == 1
    with pytest.raises(NothingToVoid):
        proposal_void(household=home)


def test_nobody_votes_for_another_device(market: MemoryMarket) -> None:
    home = home_new()
    devices = devices_new(home, 3)
    devices[0].measure("temperature")
    closed(home)
    devices[0].vote()
    vote = bytes(BlockProposal.objects.using("home").get(state="open").votes.get().raw)
    height = BlockProposal.objects.using("home").get(state="open").height
    with pytest.raises(VoteFromStranger):
        voting.vote_record(household=home, device=devices[1].row, height=height, raw=vote)


def test_leave_ends_a_membership_and_the_others_judge_it(market: MemoryMarket) -> None:
    home = home_new()
    devices = devices_new(home, 3)
    device_leave(device=devices[2].row)
    ledger_advance(home)
    everybody_votes(devices[:2])
    everybody_votes(devices[:2])
    assert devices[2].row.status == Device.Status.LEFT
    assert devices[2].measure("temperature")[0].code == "segment_unknown_device"


def test_a_rotated_device_speaks_with_the_new_key_only(market: MemoryMarket) -> None:
    home = home_new()
    devices = devices_new(home, 2)
    code = pairing_code_create(household=home, replaces=devices[1].row)
    fresh = TestDevice(home, 9)
    assert fresh.greet(code).welcome is None
    ledger_advance(home)
    everybody_votes(devices)
    welcome = agents.greet_again(home, fresh.key).welcome
    row = fresh.row
    assert welcome is not None and welcome.device_id == bytes(row.device_id) != b""
    assert row.pk and not Device.objects.using("home").filter(identity_key=devices[1].key).exists()
    assert bytes(row.certificate) == welcome.certificate


def test_one_change_of_a_device_waits_at_a_time_and_a_pointless_one_is_refused(market: MemoryMarket) -> None:
    home = home_new()
    (device,) = devices_new(home, 1)
    same = device_set_permissions(device=device.row, permissions=device.row.permissions)
    ledger_advance(home)
    same.refresh_from_db()
    assert (same.state, same.code) == (MembershipChange.State.REFUSED, "permissions_unchanged")


def test_a_code_of_another_home_is_no_code_here(market: MemoryMarket) -> None:
    home, other = home_new(), home_new()
    code = pairing_code_create(household=other)
    with pytest.raises(PairingCodeWrong):
        TestDevice(home, 1).greet(code)


def test_two_votes_of_one_device_put_it_into_quarantine_with_both_as_proof(market: MemoryMarket) -> None:
    home = home_new()
    devices = devices_new(home, 4)
    devices[0].measure("temperature")
    closed(home)
    devices[3].vote()
    row = BlockProposal.objects.using("home").get(state="open")
    proposal = proposal_parse(bytes(row.signed))
    first = row.votes.get()
    from chain.consensus.ballot import REJECT, Verdict, ballot_decode, ballot_encode, ballot_extra
    from chain.consensus.validators import vote_sign
    from households.consensus.round import vote_parse

    said = ballot_decode(vote_parse(bytes(first.raw)).extra)
    verdicts = tuple(Verdict(v.series_id, REJECT, "mood") for v in said.verdicts)
    second = vote_sign(
        devices[3].secret, proposal.body.header, extra=ballot_encode(ballot_extra(said.plain_roots, verdicts))
    )
    voting.vote_record(household=home, device=devices[3].row, height=row.height, raw=encode(second))
    for _ in range(3):
        everybody_votes(devices[:3])
        proposal_row = BlockProposal.objects.using("home").filter(state="open").first()
        if proposal_row is not None:
            BlockProposal.objects.using("home").filter(pk=proposal_row.pk).update(quorum_at=row.created_at)
        ledger_advance(home)
    device = devices[3].row
    assert (device.status, device.quarantine_code) == (Device.Status.QUARANTINED, "double_vote")


def test_a_hub_that_signs_two_proposals_halts_its_home(market: MemoryMarket) -> None:
    import msgspec

    from chain.wallets.hd import hub_key
    from households.services.secrets import operational_of

    home = home_new()
    devices = devices_new(home, 2)
    devices[0].measure("temperature")
    closed(home)
    first = proposal_parse(bytes(BlockProposal.objects.using("home").get(state="open").signed))
    header = msgspec.structs.replace(first.body.header, time_ms=first.body.header.time_ms + 1)
    second = proposal_sign(header, 0, (), (), hub_key(operational_of(home)).secret)
    fault = HubFault(first.body, first.signature, second.body, second.signature)
    with pytest.raises(EvidenceEmpty):
        same = HubFault(first.body, first.signature, first.body, first.signature)
        voting.fault_notice(household=home, raw=encode(same))
    voting.fault_notice(household=home, raw=encode(fault))
    home.refresh_from_db()
    assert home.state == Household.State.HALTED
    assert agents.proposal_for(home, devices[0].key) is None and uploads_advance(home) == 0


def test_the_owners_key_judges_only_while_there_is_no_voter(market: MemoryMarket) -> None:
    home = home_new()
    device = TestDevice(home, 1).join([])
    with device_ledger(home) as ledger:
        assert [validator.key for validator in ledger.validators] == [public_key(device.secret)]


def test_revoking_a_silent_device_needs_the_others_only(market: MemoryMarket) -> None:
    home = home_new()
    devices = devices_new(home, 2)
    device_revoke(device=devices[1].row)
    ledger_advance(home)
    everybody_votes(devices[:1])
    assert devices[1].row.status == Device.Status.REVOKED
