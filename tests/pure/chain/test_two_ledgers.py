"""The shared and the service-model ledger together: real blocks, real receipts, each ledger's rules on its own side."""

from __future__ import annotations

import pytest

from chain.contracts import CONTRACT_SETS
from chain.contracts.credits import ESCROW, Mint, balance
from chain.contracts.crossing import ConfirmService, FundService, FundTraining, JobEnd, service_order_id_of
from chain.contracts.market.training_rows import TRAININGS, AcceptTraining, CloseTraining, EndTraining, ReleaseRound
from chain.contracts.registry import Accredit, Suspend
from chain.contracts.service_models import rows
from chain.contracts.service_models.rows import JOBS, ORDERS
from chain.core.merkle import EMPTY_ROOT
from chain.core.proofs import TxProof
from chain.core.types import Record
from chain.crypto.hashing import sha256
from chain.engine.replay import verify_chain
from tests.pure.chain.client_ledger import ClientLedger
from tests.pure.chain.contracts.learning import FAR_MS, opening, version_args, version_of
from tests.pure.chain.contracts.receipts import (
    NONCE,
    PLAN,
    aborted_args,
    claim,
    job_of,
    line,
    models_genesis,
    order_of,
    round_args,
    shared_trusting,
)
from tests.pure.chain.contracts.test_training_machine import lot_of
from tests.pure.chain.contracts.world import OPERATOR, TestLot, address, make_lot
from tests.pure.chain.listing import listed_in_blocks

JOB = job_of("acme")


class Ledgers:
    """Both ledgers, each trusting the other from its genesis."""

    def __init__(self) -> None:
        self.shared = ClientLedger(shared_trusting(claim_ms=2))
        self.models = ClientLedger(models_genesis())

    def pay(self, sender: str, call: str, args: Record) -> TxProof:
        return _done(self.shared.proof(sender, call, args))

    def tell(self, sender: str, call: str, args: Record) -> TxProof:
        return _done(self.models.proof(sender, f"service_models.{call}", args))

    def balance(self, name: str) -> int:
        return balance(self.shared.ledger.state, address(name))


def _done(proof: TxProof) -> TxProof:
    assert proof.receipt.code == ""
    return proof


@pytest.fixture
def both() -> Ledgers:
    both = Ledgers()
    accredited = accredit_in_blocks(both, "acme")
    both.tell("anyone", "accreditation_show", rows.ShowAccreditation(accredited))
    both.tell("acme", "service_register", rows.ServiceRegister("tariff-advice", "kWh", "Predicts the next hour."))
    return both


def accredit_in_blocks(both: Ledgers, name: str) -> TxProof:
    both.pay("treasury", "credits.mint", Mint(to=address(name), amount=1000))
    both.pay("treasury", "credits.mint", Mint(to=address("home"), amount=500))
    return both.pay(OPERATOR, "registry.accredit", Accredit(address=address(name), until_ms=FAR_MS))


def licensed(both: Ledgers, *lots: TestLot) -> list[bytes]:
    """Lots listed, paid for, their job opened, and each licence accepted."""
    for lot in lots:
        listed_in_blocks(both.shared, lot)
    paid = both.pay("acme", "market.fund_training", FundTraining(PLAN, NONCE, 3, tuple(map(line, lots)), FAR_MS, 0))
    both.tell("acme", "job_open", opening("acme", paid))
    for lot in lots:
        both.pay(lot.payee, "market.accept_training", AcceptTraining(order_of("acme", lot)))
    return [order_of("acme", lot) for lot in lots]


def test_a_job_from_licence_to_reward_and_what_is_left_goes_back(both: Ledgers) -> None:
    lots = [lot_of(number) for number in range(3)]
    orders = licensed(both, *lots)
    assert balance(both.shared.ledger.state, ESCROW) == 148 == 1000 - both.balance("acme")
    done = both.tell("acme", "round", round_args(JOB, 1, orders))
    both.pay("home", "market.release_round", ReleaseRound(done, (claim(1, orders, orders[2]),)))
    assert both.balance(lots[2].payee) == 34
    aborted = both.tell("acme", "round", aborted_args(JOB, 2))
    early = ReleaseRound(aborted, (claim(2, orders, orders[2]),))
    assert both.shared.proof("home", "market.release_round", early).receipt.code == "round_not_complete"
    both.tell("acme", "version", version_args(1))
    ended = both.tell("acme", "job_end", JobEnd(JOB, "failed", "no_quorum", EMPTY_ROOT, 0))
    both.pay("anyone", "market.close_training", CloseTraining(ended, tuple(orders)))
    both.pay("home", "market.release_round", ReleaseRound(done, (claim(1, orders, orders[1]),)))
    for _ in range(3):
        both.shared.block()
    both.pay("anyone", "market.end_training", EndTraining(tuple(orders)))
    assert balance(both.shared.ledger.state, ESCROW) == 0
    assert both.balance("acme") == 1000 - 34 - 13, "one round of two homes was paid"
    assert {row.status for _, row in both.shared.ledger.state.scan(TRAININGS)} == {"ENDED", "REFUNDED"}


def test_a_service_order_with_money_on_one_ledger_and_the_order_on_the_other(both: Ledgers) -> None:
    lots = [lot_of(number) for number in range(3)]
    orders = licensed(both, *lots)
    both.tell("acme", "round", round_args(JOB, 1, orders))
    both.tell("acme", "version", version_args(1))
    offer, nonce = sha256(b"offer"), sha256(b"nonce")
    order = service_order_id_of(address("home"), version_of(1), offer, nonce)
    money = both.pay("home", "service_escrow.fund_service", FundService(order, address("acme"), 120, FAR_MS))
    both.tell("home", "order", rows.Order(version_of(1), offer, nonce, 120, FAR_MS, (money,)))
    both.tell("acme", "order_confirm", rows.OrderConfirm(order))
    paid = both.pay("acme", "service_escrow.confirm_service", ConfirmService(address("home"), order))
    both.tell("home", "order_complete", rows.OrderComplete(order, (paid,)))
    row = both.models.ledger.state.get(ORDERS, order)
    assert row is not None and row.status == "COMPLETED"
    assert (both.balance("home"), both.balance("acme")) == (380, 1000 - 148 + 117)


def test_a_suspension_on_the_shared_ledger_stops_new_jobs_here_once_it_is_shown(both: Ledgers) -> None:
    suspended = both.pay(OPERATOR, "registry.suspend", Suspend(address=address("acme")))
    both.tell("home", "accreditation_show", rows.ShowAccreditation(suspended))
    refused = both.models.proof("acme", "service_models.job_open", opening("acme"))
    assert refused.receipt.code == "enterprise_not_accredited"
    assert both.models.ledger.state.get(JOBS, JOB) is None


def test_both_ledgers_replay_from_their_genesis(both: Ledgers) -> None:
    orders = licensed(both, *[lot_of(number) for number in range(3)])
    done = both.tell("acme", "round", round_args(JOB, 1, orders))
    both.pay("home", "market.release_round", ReleaseRound(done, tuple(claim(1, orders, each) for each in orders)))
    for each in (both.shared, both.models):
        report = verify_chain(each.ledger.store, CONTRACT_SETS[each.genesis.kind])
        assert report.ok, report.reason


def test_two_receipts_of_64_licences_fit_into_one_transaction(both: Ledgers) -> None:
    lots = [make_lot(f"many{number}", licence_kind="training", price=3) for number in range(64)]
    for lot in lots:
        listed_in_blocks(both.shared, lot)
    args = FundTraining(PLAN, NONCE, 3, tuple(map(line, lots)), FAR_MS, 0)
    paid = both.pay("acme", "market.fund_training", args)
    raw = both.models.signed("acme", "service_models.job_open", opening("acme", paid))
    assert 2 * len(raw) < 131_072
    both.tell("acme", "job_open", opening("acme", paid))
    row = both.models.ledger.state.get(JOBS, JOB)
    assert row is not None and row.licences == 64
