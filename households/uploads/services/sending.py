"""Transactions signed by a payee key: written down before they are sent, sent again unchanged after a crash.

A row keeps the signed bytes in one of its columns. A second worker, or the same one after a crash, finds them there and
sends the same transaction, which the ledger takes once. Only when the ledger says that nonce or expiry have passed, and
the transaction is not on the ledger, is a new one signed.
"""

from __future__ import annotations

from dataclasses import dataclass

from chain.core.codec import encode
from chain.core.errors import Expired, NonceGap, NonceUsed
from chain.core.transactions import tx_id_of
from chain.core.types import Record
from chain.engine.proofs import TxProof
from chain.wallets.hd import Branch, payee_child
from chain.wallets.signer import Signer
from households.models import HOME, Household, Lot
from households.services.market_port import Market
from households.services.secrets import operational_of
from marketplace.common.errors import Conflict, NotFound
from marketplace.common.work import LeasedRow, LeaseLost

VALID_BLOCKS = 1_000


class LedgerSaidNo(Conflict):
    """The contract refused the call; ``refusal`` is the receipt's code."""

    code = "ledger_said_no"
    title = "The shared ledger refused the transaction"

    def __init__(self, refusal: str) -> None:
        super().__init__(f"The shared ledger refused the transaction: {refusal}")
        self.refusal = refusal


class SignAgain(Conflict):
    """The kept transaction can no longer be sent; the next try signs a new one."""

    code = "sign_again"
    title = "The transaction has expired and is signed again"


@dataclass(frozen=True, slots=True)
class Payee:
    """The key of one lot and the client to send with."""

    market: Market
    signer: Signer
    lot: Lot


def payee_of(lot: Lot, market: Market) -> Payee:
    """The payee key of a lot, derived from the operational branch."""
    return Payee(market, Signer(_branch(lot.household, lot).secret), lot)


def send_once(row: LeasedRow, column: str, payee: Payee, call: str, args: Record) -> TxProof:
    """Send ``call`` by the payee, the same bytes however often this runs; returns the verified proof.

    ``column`` of ``row`` keeps the signed bytes. A refusal of the contract is in the proof's receipt; it clears the
    column, since its nonce is used up. Raises ``SignAgain``, ``LeaseLost``, and what the client raises.
    """
    raw = bytes(getattr(row, column))
    if not raw:
        raw = _signed(payee, call, args)
        _keep(row, column, raw, before=b"")
    try:
        proof = payee.market.submit_and_wait(raw)
    except (NonceUsed, NonceGap, Expired):
        found = _find(payee.market, raw)
        if found is None:
            _keep(row, column, b"", before=raw)
            _nonce_note(payee.lot, payee.market.nonce(payee.signer.address))
            raise SignAgain() from None
        proof = found
    _nonce_note(payee.lot, proof.signed.tx.nonce + 1)
    if proof.receipt.code:
        _keep(row, column, b"", before=raw)
    return proof


def require_done(proof: TxProof) -> TxProof:
    """The proof itself if the call went through; raises ``LedgerSaidNo``."""
    if proof.receipt.code:
        raise LedgerSaidNo(proof.receipt.code)
    return proof


def _signed(payee: Payee, call: str, args: Record) -> bytes:
    market = payee.market
    nonce = Lot.objects.using(HOME).values_list("next_nonce", flat=True).get(pk=payee.lot.pk)
    valid_until = market.height_seen() + VALID_BLOCKS
    return encode(payee.signer.sign_transaction(market.ledger, nonce, valid_until, call, args))


def _nonce_note(lot: Lot, nonce: int) -> None:
    """Remember the payee's next nonce, so that it need not be asked for; a wrong guess costs one more try."""
    Lot.objects.using(HOME).filter(pk=lot.pk, next_nonce__lt=nonce).update(next_nonce=nonce)


def _find(market: Market, raw: bytes) -> TxProof | None:
    try:
        return market.proof(tx_id_of(raw))
    except NotFound:
        return None


def _keep(row: LeasedRow, column: str, raw: bytes, *, before: bytes) -> None:
    mine = type(row)._default_manager.using(HOME).filter(pk=row.pk, lease_token=row.lease_token, **{column: before})
    if row.lease_token is None or mine.update(**{column: raw}) != 1:
        raise LeaseLost()
    setattr(row, column, raw)


def _branch(household: Household, lot: Lot) -> Branch:
    return payee_child(operational_of(household), lot.device.account_index, lot.child_index)
