"""The market of the shared ledger: lots, the fair exchange of their keys for credits, and licences to learn from them
(protocols.md 2 and 3)."""

from __future__ import annotations

from chain.contracts.crossing import FundTraining
from chain.contracts.market import complaints, lots, orders, rows, training, training_pay
from chain.contracts.market import training_rows as licences
from chain.contracts.market.terms import terms_check
from chain.core.contract import Call, Contract
from chain.core.state import State
from chain.core.types import Genesis


def _at_genesis(genesis: Genesis, state: State) -> None:
    terms_check(genesis)


def pending(state: State) -> bool:
    """Whether a preview or a short deadline waits for block time to pass.

    A licence in force may last for months: whoever ends it brings the block, and with it the time, himself.
    """
    totals = lots.totals(state)
    return totals.anchored > 0 or totals.open_orders > 0 or training.training_totals(state).waiting > 0


MARKET = Contract(
    name="market",
    calls={
        "publish": Call(rows.Publish, lots.publish),
        "open_preview": Call(rows.OpenPreview, lots.open_preview),
        "preview_expire": Call(rows.PreviewExpire, lots.preview_expire),
        "reprice": Call(rows.Reprice, lots.reprice),
        "unlist": Call(rows.Unlist, lots.unlist),
        "expire_lot": Call(rows.ExpireLot, lots.expire_lot),
        "fund": Call(rows.Fund, orders.fund),
        "reject": Call(rows.Reject, orders.reject),
        "commit": Call(rows.Commit, orders.commit),
        "deliver": Call(rows.Deliver, orders.deliver),
        "accept": Call(rows.Accept, orders.accept),
        "settle": Call(rows.Settle, orders.settle),
        "expire": Call(rows.Expire, orders.expire),
        "complain_chunk": Call(rows.ComplainChunk, complaints.complain_chunk),
        "complain_key": Call(rows.ComplainKey, complaints.complain_key),
        "fund_training": Call(FundTraining, training.fund_training),
        "accept_training": Call(licences.AcceptTraining, training.accept_training),
        "decline_training": Call(licences.DeclineTraining, training.decline_training),
        "expire_training": Call(licences.ExpireTraining, training.expire_training),
        "end_training": Call(licences.EndTraining, training.end_training),
        "release_round": Call(licences.ReleaseRound, training_pay.release_round),
        "close_training": Call(licences.CloseTraining, training_pay.close_training),
        "claim_bonus": Call(licences.ClaimBonus, training_pay.claim_bonus),
        "end_pool": Call(licences.EndPool, training_pay.end_pool),
    },
    at_genesis=_at_genesis,
    begin_block=lots.begin_block,
    pending=pending,
)

__all__ = ["MARKET", "pending"]
