"""Receipts of a ledger that the tests' validator signs, for contracts that read the other ledger's calls."""

from __future__ import annotations

import msgspec

from chain.contracts.crossing import Round, TrainingLine, job_id_of, participant_leaf, training_order_id_of
from chain.contracts.ledgers import trusted_roles
from chain.contracts.market.training_rows import RoundClaim
from chain.core.blocks import header_hash, receipts_root, transactions_root, validators_hash
from chain.core.codec import encode
from chain.core.merkle import EMPTY_ROOT, leaf_hash, leaf_hashes, path, root
from chain.core.proofs import TxProof
from chain.core.transactions import tx_id_of, tx_new, tx_sign
from chain.core.types import Block, Commit, Event, Genesis, Header, Receipt, Record, Validator, Vote
from chain.crypto.hashing import sha256
from chain.engine.proofs import proof_make
from tests.pure.chain.client_ledger import vote
from tests.pure.chain.contracts.world import T0, TestLot, address, key_of, secret_of, shared_genesis

SHARED_ID, MODELS_ID = "shared-test", "service_models-test"
PLAN, NONCE = sha256(b"plan"), sha256(b"nonce")
NO_REASON = ""


def shared_trusting(**params: int) -> Genesis:
    """A shared ledger that takes receipts of the tests' service-model ledger."""
    genesis = shared_genesis(**params)
    return msgspec.structs.replace(genesis, roles=(*genesis.roles, *trusted_roles(MODELS_ID, (key_of("validator"),))))


def models_genesis(**params: int) -> Genesis:
    """A service-model ledger that takes receipts of the tests' shared ledger."""
    return Genesis(
        ledger=MODELS_ID,
        kind="service_models",
        time_ms=T0,
        validators=(key_of("validator"),),
        params=tuple(sorted(params.items())),
        roles=(("operator", key_of("operator")), *trusted_roles(SHARED_ID, (key_of("validator"),))),
    )


def receipt(
    ledger: str,
    sender: str,
    call: str,
    args: Record,
    *,
    code: str = "",
    height: int = 5,
    validators: tuple[str, ...] = ("validator",),
    signers: tuple[str, ...] = (),
    nonce: int = 0,
) -> TxProof:
    """The proof of a call as the ledger's validators would sign it, between two other transactions of its block."""
    raws = [_raw(ledger, name, nonce, call, args) for name in ("before", sender, "after")]
    receipts = [Receipt(tx_id_of(raw), code, (Event("x", ()),)) for raw in raws]
    header = Header(
        ledger=ledger,
        height=height,
        previous=sha256(b"before"),
        time_ms=T0 + height,
        tx_root=transactions_root(raws),
        receipt_root=receipts_root(receipts),
        state_hash=sha256(b"state"),
        validators_hash=validators_hash([Validator(key_of(name)) for name in validators]),
        proposer=key_of(validators[0]),
    )
    votes: list[Vote] = sorted((vote(name, header) for name in signers or validators), key=lambda each: each.validator)
    assert header_hash(header)
    return proof_make(Block(header, tuple(raws), tuple(receipts), Commit(tuple(votes))), tx_id_of(raws[1]))


def _raw(ledger: str, sender: str, nonce: int, call: str, args: Record) -> bytes:
    key = key_of(sender)
    tx = tx_new(ledger=ledger, sender=key, nonce=nonce, valid_until=10**6, call=call, args=args)
    return encode(tx_sign(tx, secret_of(sender)))


def line(lot: TestLot, price: int | None = None) -> TrainingLine:
    return TrainingLine(lot.lot_id, lot.digest.licence, lot.digest.price if price is None else price)


def job_of(buyer: str, plan: bytes = PLAN) -> bytes:
    return job_id_of(address(buyer), plan, NONCE)


def order_of(buyer: str, lot: TestLot, plan: bytes = PLAN) -> bytes:
    return training_order_id_of(job_of(buyer, plan), lot.lot_id)


def update_of(order_id: bytes, number: int) -> bytes:
    """What a home's masked update of a round hashes to."""
    return sha256(b"update", order_id, number.to_bytes(4, "big"))


def round_args(job: bytes, number: int, orders: list[bytes], **changes: object) -> Round:
    """A completed round of these orders, one home each."""
    leaves = leaf_hashes(participant_leaf(order_id, update_of(order_id, number)) for order_id in orders)
    fields = {
        "job": job,
        "number": number,
        "complete": True,
        "reason": NO_REASON,
        "model_before": sha256(b"model", bytes([number - 1])),
        "model_after": sha256(b"model", bytes([number])),
        "joined": len(orders),
        "survivors": len(orders),
        "leaf_count": len(orders),
        "root": root(leaves),
        "epsilon_micro": 0,
        **changes,
    }
    return Round(**fields)  # type: ignore[arg-type]


def aborted_args(job: bytes, number: int, reason: str = "too_few") -> Round:
    before = sha256(b"model", bytes([number - 1]))
    return round_args(
        job, number, [], complete=False, reason=reason, model_before=before, model_after=before, root=EMPTY_ROOT
    )


def claim(number: int, orders: list[bytes], order_id: bytes) -> RoundClaim:
    """The claim of one order of a round."""
    leaves = [leaf_hash(participant_leaf(each, update_of(each, number))) for each in orders]
    index = orders.index(order_id)
    return RoundClaim(order_id, update_of(order_id, number), index, path(leaves, index))
