"""A wallet's transactions, one after the other, on the shared ledger and on the service-model ledger.

What a wallet is to call is a row first. Nonce and signature are given when the row's turn comes, and are written down
before the bytes leave; so after a crash the same bytes go out again, and the ledger takes them once. One sender at a
time holds the wallet's lease, so nonces never race.
"""

from __future__ import annotations

import logging

from django.db import transaction
from django.utils import timezone

from chain.core.codec import encode
from chain.core.transactions import tx_id, tx_new, tx_sign
from chain.core.types import Record
from chain.engine.proofs import TxProof
from enterprises.checkout.keys import unseal
from enterprises.checkout.models import BuyerTransaction, Enterprise, Purchase, Wallet
from enterprises.checkout.ports import BuyerMarket, Ledger
from enterprises.training.models import TrainingJob
from marketplace.common.errors import HearthError, NotFound, Unavailable
from marketplace.common.work import advance, claim_one, leased, renew

log = logging.getLogger(__name__)

VALID_BLOCKS = 20_000
SIGNINGS_MAX = 4
A_LEASE = 40
NONCE_CODES = ("tx_nonce_used", "tx_nonce_gap", "tx_expired")
State = BuyerTransaction.State
SHARED, MODELS = BuyerTransaction.Ledger.SHARED, BuyerTransaction.Ledger.MODELS
NONCES: dict[str, str] = {SHARED: "next_nonce", MODELS: "models_nonce"}


def call_queue(*, wallet: Wallet, purchase: Purchase, call: str, args: Record) -> BuyerTransaction:
    """Note that the wallet is to make this call for this purchase, once; asking again returns the first row."""
    row, _ = BuyerTransaction.objects.get_or_create(
        purchase=purchase, call=call, defaults={"wallet": wallet, "args": encode(args)}
    )
    return row


def job_call_queue(*, job: TrainingJob, ledger: str, call: str, args: Record, key: str = "") -> BuyerTransaction:
    """Note that the wallet is to make this call for a training job, once for a ``key``; the first arguments hold."""
    defaults = {"wallet": job.enterprise.wallet, "args": encode(args), "ledger": ledger}
    row, _ = BuyerTransaction.objects.get_or_create(job=job, call=call, key=key, defaults=defaults)
    return row


def call_retry(row: BuyerTransaction) -> None:
    """Queue a call again that the ledger refused for the time being."""
    BuyerTransaction.objects.filter(pk=row.pk, state__in=(State.FINAL, State.DROPPED)).exclude(code="").update(
        state=State.QUEUED, raw=b"", tx_id="", nonce=None, code="", height=None
    )


def wallet_context(wallet: Wallet) -> str:
    """What the wallet's sealed secret is bound to."""
    return f"enterprise-wallet:{wallet.address}"


def wallets_send(market: BuyerMarket) -> int:
    """Send what waits in all wallets that nobody else is sending from; returns how many calls became final."""
    waiting = Wallet.objects.filter(transactions__state__in=(State.QUEUED, State.SIGNED)).distinct()
    return sum(wallet_send(market, pk) for pk in list(waiting.values_list("pk", flat=True)))


def wallet_send(market: BuyerMarket, wallet_id: int) -> int:
    """Send what waits in one wallet, in order on each ledger; returns how many calls became final."""
    wallet = claim_one(Wallet.objects.filter(pk=wallet_id), using="enterprise")
    if wallet is None:
        return 0
    done = 0
    with leased(wallet, using="enterprise"):
        fault: HearthError | None = None
        for name in NONCES:  # one ledger that is away does not hold up the other
            try:
                done += _ledger_send(market, wallet, name)
            except Unavailable as away:
                fault = away
        if fault is not None:
            raise fault
        advance(wallet, using="enterprise")
    if done:
        Enterprise.objects.filter(pk=wallet.enterprise_id).update(next_try_at=timezone.now())  # the balance is old
    return done


def _ledger_send(market: BuyerMarket, wallet: Wallet, name: str) -> int:
    rows = BuyerTransaction.objects.filter(wallet=wallet, ledger=name, state__in=(State.QUEUED, State.SIGNED))
    waiting = list(rows.order_by("pk")[:A_LEASE])
    if not waiting:
        return 0
    ledger: Ledger = market if name == SHARED else market.models()
    valid_until = ledger.head().height + VALID_BLOCKS
    for row in waiting:
        _send(ledger, wallet, row, valid_until)
        renew(wallet, using="enterprise")
    return len(waiting)


def _send(ledger: Ledger, wallet: Wallet, row: BuyerTransaction, valid_until: int) -> None:
    """Bring one call to an end: final with its code, or dropped because the ledger would never take it."""
    for _ in range(SIGNINGS_MAX):
        if not row.raw:
            _sign(ledger, wallet, row, valid_until)
        try:
            _final(wallet, row, ledger.submit_and_wait(bytes(row.raw)))
            return
        except Unavailable:
            raise
        except HearthError as refused:
            if refused.code not in NONCE_CODES:
                _drop(row, refused.code)
                return
            proof = _proof_settled(ledger, bytes.fromhex(row.tx_id))
            if proof is not None:
                _final(wallet, row, proof)
                return
            _unsign(wallet, row)
    raise Unavailable("The wallet's nonce keeps changing; somebody else sends from it.")


def _proof_settled(ledger: Ledger, tx: bytes) -> TxProof | None:
    """The proof of a transaction, or None once it is certain that there is none (the index may lag behind the log)."""
    head = ledger.head().height
    try:
        return ledger.proof(tx)
    except NotFound:
        if ledger.indexed_height() < head:
            raise Unavailable("The market's index lags behind its ledger.") from None
        return None


def _sign(ledger: Ledger, wallet: Wallet, row: BuyerTransaction, valid_until: int) -> None:
    """Give the call the wallet's next nonce on its ledger, sign it, and write both down."""
    nonce: int | None = getattr(wallet, NONCES[row.ledger])
    tx = tx_new(
        ledger=ledger.ledger,
        sender=bytes.fromhex(wallet.public_key),
        nonce=ledger.nonce(bytes.fromhex(wallet.address)) if nonce is None else nonce,
        valid_until=valid_until,
        call=row.call,
        args=bytes(row.args),
    )
    secret = unseal(wallet.sealed_secret, wallet_context(wallet))
    row.raw, row.tx_id, row.nonce, row.state = encode(tx_sign(tx, secret)), tx_id(tx).hex(), tx.nonce, State.SIGNED
    row.save(using="enterprise", update_fields=["raw", "tx_id", "nonce", "state"])


def _unsign(wallet: Wallet, row: BuyerTransaction) -> None:
    """Take the signature back. The old bytes can't become final as their nonce or time is over; where the nonce was too
    high they could, later, but each call is about an order, job or round by its id: the second of two is refused."""
    row.raw, row.tx_id, row.nonce, row.state = b"", "", None, State.QUEUED
    row.save(using="enterprise", update_fields=["raw", "tx_id", "nonce", "state"])
    _nonce_put(wallet, row, None)


def _final(wallet: Wallet, row: BuyerTransaction, proof: TxProof) -> None:
    with transaction.atomic(using="enterprise"):
        BuyerTransaction.objects.filter(pk=row.pk, state=State.SIGNED).update(
            state=State.FINAL,
            code=proof.receipt.code,
            height=proof.header.height,
            block_time_ms=proof.header.time_ms,
        )
        _nonce_put(wallet, row, proof.signed.tx.nonce + 1)
        _wake(row)


def _drop(row: BuyerTransaction, code: str) -> None:
    log.warning("call %s dropped: %s", row.call, code)
    with transaction.atomic(using="enterprise"):
        BuyerTransaction.objects.filter(pk=row.pk).update(state=State.DROPPED, code=code)
        _wake(row)


def _nonce_put(wallet: Wallet, row: BuyerTransaction, nonce: int | None) -> None:
    name = NONCES[row.ledger]
    setattr(wallet, name, nonce)
    Wallet.objects.filter(pk=wallet.pk).update(**{name: nonce})


def _wake(row: BuyerTransaction) -> None:
    if row.purchase_id is not None:
        Purchase.objects.filter(pk=row.purchase_id).update(next_try_at=timezone.now())
    if row.job_id is not None:
        TrainingJob.objects.filter(pk=row.job_id).update(next_try_at=timezone.now())
