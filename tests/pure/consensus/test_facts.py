"""What is said of a lot beside its rows stands under the votes: class, cell, limits, comparable devices."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from chain.consensus.ballot import REJECT, ballot_decode, verdict_of
from chain.core.codec import encode
from chain.exchange.manifest import facts_hash
from households.consensus.batch import BatchData, BatchTerms, readings_root
from households.consensus.config import DEFAULT_CONFIG
from households.consensus.judge import LOT_INVALID
from households.consensus.limits import limits_new
from households.consensus.proposal import Proposal
from households.consensus.roots import chunk_rows, lot_facts, series_chunks
from households.privacy.levels import SCHEMA, columns_of, rule_decode, rule_encode, rule_for
from tests.pure.consensus.simulator import SimHome
from tests.pure.consensus.test_quorums import readings

replace = msgspec.structs.replace


def told(home: SimHome, batch: BatchData, change: Callable[[BatchTerms], BatchTerms]) -> tuple[Proposal, BatchData]:
    """The batch with other terms, and the hub's proposal of it."""
    terms = change(batch.terms)
    _, closing = home.batch(batch.segments)
    args = replace(closing, readings_root=readings_root(encode(terms), batch.segments))
    return home.proposal([home.transaction("devices.close_batch", args, home.hub)]), replace(batch, terms=terms)


def signed(home: SimHome, proposal: Proposal, batch: BatchData) -> dict[bytes, bytes]:
    """The facts that the first device signs, by series."""
    ballot = ballot_decode(home.devices[0].voter.vote(proposal, batch).extra)
    return {root.series_id: root.facts for root in ballot.plain_roots}


def test_a_voter_signs_the_facts_of_terms_ledger_and_rows() -> None:
    home = SimHome(["climate"] * 4)
    proposal, batch = home.propose_batch(readings(home, {}))
    found = signed(home, proposal, batch)
    members = home.devices[0].voter.replica.members
    evidence = home.evidence(batch)
    assert len(found) == 4
    for entry in batch.terms.series:
        assert entry.lot is not None
        rule = rule_decode(entry.lot.rule)
        rows = chunk_rows(series_chunks(evidence.series[entry.series_id], entry.lot.rule, batch.terms.seed))
        facts = lot_facts(rule, rows, batch.terms)
        assert (facts.device_class, facts.cell, facts.limits, facts.level) == ("climate", "g10:5:6", "default", "fine")
        speakers = members.speakers(entry.device_id, entry.quantity, DEFAULT_CONFIG)
        assert {home.key_of(entry.device_id), *speakers} == {device.key for device in home.devices}
        wanted = facts_hash(entry.series_id, SCHEMA, columns_of(rule), facts, speakers)
        assert found[entry.series_id] == wanted


@pytest.mark.parametrize(
    "change",
    [
        lambda terms: replace(terms, cell="g10:7:7"),
        lambda terms: replace(terms, cell="nowhere"),
        lambda terms: replace(terms, limits=limits_new({"temperature.level": 4_000})),
    ],
    ids=["another cell", "no cell", "own limits"],
)
def test_other_terms_make_other_facts(change: Callable[[BatchTerms], BatchTerms]) -> None:
    home, same = SimHome(["climate"] * 4), SimHome(["climate"] * 4)
    first = signed(home, *home.propose_batch(readings(home, {})))
    batch, _ = same.batch(readings(same, {}))
    second = signed(same, *told(same, batch, change))
    assert first.keys() == second.keys() and not set(first.values()) & set(second.values())


@pytest.mark.parametrize(
    "change",
    [
        lambda entry, terms: (entry, replace(terms, cell="Anna's street")),
        lambda entry, terms: (rule_encode(rule_for("air", "temperature", "fine")), terms),
        lambda entry, terms: (rule_encode(rule_for("climate", "humidity", "fine")), terms),
    ],
    ids=["a place that is no cell", "a rule for another class", "a rule for another quantity"],
)
def test_a_lot_whose_facts_can_not_be_right_is_rejected_by_every_voter(change: Callable) -> None:
    home = SimHome(["climate"] * 4)
    batch, _ = home.batch(readings(home, {}))

    def wrong(terms: BatchTerms) -> BatchTerms:
        series = []
        for entry in terms.series:
            assert entry.lot is not None
            rule, terms = change(entry.lot.rule, terms)
            series.append(replace(entry, lot=replace(entry.lot, rule=rule)))
        return replace(terms, series=tuple(series))

    proposal, altered = told(home, batch, wrong)
    for device in home.devices:
        ballot = ballot_decode(device.voter.vote(proposal, altered).extra)
        assert ballot.plain_roots == ()
        for entry in altered.terms.series:
            verdict = verdict_of(ballot, entry.series_id)
            assert verdict is not None and (verdict.outcome, verdict.reason) == (REJECT, LOT_INVALID)
