"""A ledger's promises: what it takes, what it refuses and why, and that a refusal leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.consensus.validators import vote_sign
from chain.core.codec import encode
from chain.core.errors import (
    BadSignature,
    Expired,
    HearthError,
    LedgerFault,
    Malformed,
    NonceGap,
    NonceUsed,
    TooLarge,
    UnknownCall,
    WrongLedger,
)
from chain.core.finality import BadVote, NoQuorum
from chain.core.transactions import tx_new, tx_sign
from chain.core.types import SignedTransaction
from chain.crypto.hashing import address_of
from chain.crypto.secp256k1 import public_key
from chain.engine.application import BadArguments, ContractFault
from chain.engine.ledger import Ledger
from chain.stores.memory import MemoryStore
from tests.pure.chain.toy import (
    BEACON,
    GENESIS_MS,
    LEDGER,
    NOTES,
    TOY_SET,
    VALIDATOR,
    Key,
    Lock,
    Note,
    Nothing,
    Write,
    filled,
    genesis,
    produce,
    secret,
    signed,
)

PROPOSER = public_key(VALIDATOR)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(genesis(), TOY_SET, MemoryStore(LEDGER))


def address(number: int) -> bytes:
    return address_of(public_key(secret(number)))


def resigned(raw_tx: dict[str, object], by: int = 1) -> bytes:
    fields = {"ledger": LEDGER, "sender": public_key(secret(1)), "nonce": 0, "valid_until": 9, "call": "toy.write"}
    tx = tx_new(**{**fields, "args": Write(b"a", b"1"), **raw_tx})  # type: ignore[arg-type]
    if by != 1:
        return encode(SignedTransaction(tx, tx_sign(tx_new(**{**fields, "args": b""}), secret(1)).signature))  # type: ignore[arg-type]
    return encode(tx_sign(tx, secret(1)))


REJECTED: dict[str, tuple[type[HearthError], Callable[[], bytes]]] = {
    "empty": (Malformed, lambda: b""),
    "noise": (Malformed, lambda: b"\x93noise"),
    "truncated": (Malformed, lambda: signed(1, 0, "write", Write(b"a", b"1"))[:-1]),
    "a byte too many": (Malformed, lambda: signed(1, 0, "write", Write(b"a", b"1")) + b"\x00"),
    "oversized": (TooLarge, lambda: signed(1, 0, "write", Write(b"a", bytes(131_072)))),
    "wrongly signed": (BadSignature, lambda: resigned({}, by=2)),
    "signed for another ledger": (WrongLedger, lambda: signed(1, 0, "write", Write(b"a", b"1"), ledger="other")),
    "unknown call": (UnknownCall, lambda: resigned({"call": "toy.nothing"})),
    "unknown contract": (UnknownCall, lambda: resigned({"call": "write"})),
    "arguments of another call": (BadArguments, lambda: resigned({"args": Nothing()})),
    "arguments with a byte too many": (BadArguments, lambda: resigned({"args": encode(Write(b"a", b"1")) + b"\x00"})),
    "expired": (Expired, lambda: resigned({"valid_until": 0})),
    "nonce ahead": (NonceGap, lambda: signed(1, 1, "write", Write(b"a", b"1"))),
}


@pytest.mark.parametrize(("error", "raw"), REJECTED.values(), ids=REJECTED)
def test_what_is_no_good_is_rejected_with_its_own_code_and_nothing_changes(
    ledger: Ledger, error: type[HearthError], raw: Callable[[], bytes]
) -> None:
    with pytest.raises(error) as refusal:
        ledger.submit(raw())
    assert type(refusal.value) is error
    assert len(ledger.pool) == 0 and ledger.pool.bytes == 0
    assert ledger.height == 0 and ledger.state.row_count() == 0


def test_every_rejection_has_a_code_of_its_own() -> None:
    errors = {error for error, _ in REJECTED.values()} | {NonceUsed}
    assert len({error.code for error in errors}) == len(errors)


def test_a_replayed_transaction_is_rejected_while_it_waits_and_afterwards(ledger: Ledger) -> None:
    raw = signed(1, 0, "write", Write(b"a", b"1"))
    ledger.submit(raw)
    with pytest.raises(NonceUsed):
        ledger.submit(raw)
    produce(ledger)
    with pytest.raises(NonceUsed):
        ledger.submit(raw)
    assert ledger.height == 1 and len(ledger.pool) == 0


def test_one_sender_may_have_several_transactions_waiting(ledger: Ledger) -> None:
    for nonce in range(5):
        ledger.submit(signed(1, nonce, "write", Write(b"a", b"%d" % nonce)))
    assert ledger.next_nonce(address(1)) == 5
    block = produce(ledger)
    assert len(block.transactions) == 5
    note = ledger.state.get(NOTES, b"a")
    assert note is not None and note.text == b"4"
    assert ledger.next_nonce(address(1)) == 5


def test_a_refused_transaction_uses_its_nonce_leaves_its_code_and_nothing_else(ledger: Ledger) -> None:
    produce(ledger, [signed(1, 0, "lock", Lock(b"a", GENESIS_MS + 1_000))])
    before = ledger.state.get(NOTES, b"a")
    block = produce(ledger, [signed(2, 0, "write", Write(b"a", b"mine")), signed(3, 0, "write", Write(b"b", b"ok"))])
    assert [receipt.code for receipt in block.receipts] == ["locked", ""]
    assert block.receipts[0].events == ()
    assert ledger.state.get(NOTES, b"a") == before
    assert ledger.state.get(NOTES, b"b") == Note(b"ok", address(3))
    assert ledger.next_nonce(address(2)) == 1


def test_execute_changes_nothing_and_says_the_same_again(ledger: Ledger) -> None:
    prepared = [ledger.submit(signed(1, 0, "write", Write(b"a", b"1")))]
    first = ledger.execute(prepared, GENESIS_MS + 1, PROPOSER)
    again = ledger.execute(prepared, GENESIS_MS + 1, PROPOSER)
    assert first == again
    assert ledger.state.row_count() == 0 and ledger.height == 0 and len(ledger.pool) == 1


@pytest.mark.parametrize("time_ms", [GENESIS_MS - 1, GENESIS_MS])
def test_block_time_strictly_rises(ledger: Ledger, time_ms: int) -> None:
    with pytest.raises(LedgerFault):
        ledger.execute([], time_ms, PROPOSER)


def test_begin_block_sees_the_hash_of_the_block_before(ledger: Ledger) -> None:
    produce(ledger)
    first = ledger.head_hash
    produce(ledger)
    beacon = ledger.state.get(BEACON, b"")
    assert beacon is not None and beacon.hash == first and beacon.height == 2


def test_pending_holds_until_block_time_has_passed(ledger: Ledger) -> None:
    produce(ledger, [signed(1, 0, "lock", Lock(b"a", GENESIS_MS + 3))])
    assert ledger.pending()
    produce(ledger)
    assert ledger.pending()
    produce(ledger)
    assert not ledger.pending()


def test_a_contract_that_fails_names_the_transaction_and_the_rest_can_go_on(ledger: Ledger) -> None:
    good = ledger.submit(signed(1, 0, "write", Write(b"a", b"1")))
    bad = ledger.submit(signed(2, 0, "boom", Nothing()))
    with pytest.raises(ContractFault) as fault:
        ledger.execute([good, bad], GENESIS_MS + 1, PROPOSER)
    assert fault.value.position == 1
    ledger.pool.remove([bad.tx_id])
    assert len(produce(ledger).transactions) == 1


def test_a_block_with_a_nonce_that_does_not_fit_is_a_fault(ledger: Ledger) -> None:
    prepared = ledger.prepare(signed(1, 5, "write", Write(b"a", b"1")))
    with pytest.raises(LedgerFault):
        ledger.execute([prepared], GENESIS_MS + 1, PROPOSER)


def test_commit_needs_the_votes_of_a_quorum(ledger: Ledger) -> None:
    proposal = ledger.execute([], GENESIS_MS + 1, PROPOSER)
    with pytest.raises(NoQuorum):
        ledger.commit(proposal, [])
    with pytest.raises(BadVote):
        ledger.commit(proposal, [vote_sign(secret(5), proposal.header)])
    assert ledger.height == 0 and ledger.store.height() == 0
    ledger.commit(proposal, [vote_sign(VALIDATOR, proposal.header)])
    with pytest.raises(LedgerFault):
        ledger.commit(proposal, [vote_sign(VALIDATOR, proposal.header)])


def test_a_change_of_voters_is_judged_by_the_voters_before_it() -> None:
    ledger = Ledger(genesis(), TOY_SET, MemoryStore(LEDGER))
    added = [Key(public_key(secret(number)), "") for number in (5, 6, 7, 8)]
    produce(ledger, [signed(1, nonce, "voter", each) for nonce, each in enumerate(added)])
    assert len(ledger.validators) == 4
    with pytest.raises(BadVote):
        produce(ledger)
    with pytest.raises(NoQuorum):
        produce(ledger, secrets=[secret(5), secret(6)])
    block = produce(ledger, secrets=[secret(7), secret(5), secret(8)])
    assert [vote.validator for vote in block.commit.votes] == sorted(public_key(secret(number)) for number in (5, 7, 8))
    assert Ledger(genesis(), TOY_SET, ledger.store).head_hash == ledger.head_hash


def test_the_same_history_gives_the_same_hashes_on_every_machine() -> None:
    assert filled(MemoryStore(LEDGER)).head_hash == filled(MemoryStore(LEDGER)).head_hash


calls = st.tuples(
    st.integers(1, 3),
    st.sampled_from(["write", "erase", "lock"]),
    st.sampled_from([b"a", b"b"]),
    st.integers(1, 40),
)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(calls, max_size=5), max_size=6), st.integers(0, 6))
def test_a_ledger_that_reopens_anywhere_goes_on_as_if_it_had_not(
    blocks: list[list[tuple[int, str, bytes, int]]], cut: int
) -> None:
    steady, store = Ledger(genesis(), TOY_SET, MemoryStore(LEDGER)), MemoryStore(LEDGER)
    other = Ledger(genesis(), TOY_SET, store, checkpoint_every=2)
    for number, block in enumerate(blocks):
        if number == cut:
            other = Ledger(genesis(), TOY_SET, store, checkpoint_every=2)
        raws = []
        nonces = {sender: steady.next_nonce(address(sender)) for sender in (1, 2, 3)}
        for sender, call, key, value in block:
            args = Lock(key, GENESIS_MS + value) if call == "lock" else Write(key, b"%d" % value)
            raws.append(signed(sender, nonces[sender], call, args))
            nonces[sender] += 1
        produce(steady, raws)
        produce(other, raws)
    assert other.head_hash == steady.head_hash
    assert Ledger(genesis(), TOY_SET, store).head_hash == steady.head_hash
