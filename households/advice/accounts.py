"""The account of an inquiry: a fresh child of a branch of its own, and its calls on both ledgers.

A call is written down signed before it is sent, so a process that dies sends the same bytes again and the ledger takes
them once. Only when the ledger says that they can never be taken is the call signed anew.
"""

from __future__ import annotations

from chain.core.codec import encode
from chain.core.errors import Expired, NonceGap, NonceUsed
from chain.core.proofs import TxProof
from chain.core.transactions import tx_id_of
from chain.core.types import Record
from chain.wallets.hd import Branch
from chain.wallets.signer import Signer
from households.advice.port import Ledger
from households.models import HOME, AdviceCall, Household, Inquiry
from households.services.secrets import operational_of
from marketplace.common.errors import NotFound

ADVICE_BRANCH = 7  # m/7410'/0'/7'/n', beside those that chain.wallets.hd names
VALID_BLOCKS = 20_000


def account_branch(household: Household, index: int) -> Branch:
    """The key of the account of one inquiry; no two inquiries share one."""
    return operational_of(household).child(ADVICE_BRANCH).child(index)


def index_next(household: Household) -> int:
    """The index of the home's next inquiry."""
    newest = Inquiry.objects.using(HOME).filter(household=household).order_by("-account_index").first()
    return newest.account_index + 1 if newest else 0


def call_send(inquiry: Inquiry, name: str, ledger: Ledger, call: str, args: Record) -> TxProof:
    """Make a call of the inquiry's account once, however often this runs; gives its verified proof.

    A refusal of the contract is in the proof's receipt. Raises ``NonceUsed``, ``NonceGap`` or ``Expired`` if the bytes
    that were kept can't be taken any more (the next try signs anew), and what the client raises.
    """
    row, _ = AdviceCall.objects.using(HOME).get_or_create(inquiry=inquiry, name=name)
    if not row.raw:
        signer = Signer(account_branch(inquiry.household, inquiry.account_index).secret)
        valid_until = ledger.head().height + VALID_BLOCKS
        signed = signer.sign_transaction(ledger.ledger, ledger.nonce(signer.address), valid_until, call, args)
        call_keep(inquiry, name, encode(signed))
        row.refresh_from_db(using=HOME)
    return _deliver(row, ledger)


def call_keep(inquiry: Inquiry, name: str, raw: bytes) -> None:
    """Write a signed call down, unless one of this name stands there."""
    row, _ = AdviceCall.objects.using(HOME).get_or_create(inquiry=inquiry, name=name)
    AdviceCall.objects.using(HOME).filter(pk=row.pk, raw=b"").update(raw=raw)


def call_kept(inquiry: Inquiry, name: str, ledger: Ledger) -> TxProof | None:
    """Send a call that was written down before, or None if there is none; raises as ``call_send`` does."""
    row = AdviceCall.objects.using(HOME).filter(inquiry=inquiry, name=name).exclude(raw=b"").first()
    return None if row is None else _deliver(row, ledger)


def _deliver(row: AdviceCall, ledger: Ledger) -> TxProof:
    raw = bytes(row.raw)
    try:
        proof = ledger.submit_and_wait(raw)
    except (NonceUsed, NonceGap, Expired):
        found = _find(ledger, raw)
        if found is None:
            AdviceCall.objects.using(HOME).filter(pk=row.pk, raw=raw).update(raw=b"")
            raise
        proof = found
    AdviceCall.objects.using(HOME).filter(pk=row.pk).update(tx_id=proof.tx_id)
    return proof


def _find(ledger: Ledger, raw: bytes) -> TxProof | None:
    try:
        return ledger.proof(tx_id_of(raw))
    except NotFound:
        return None
