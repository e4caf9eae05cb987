"""Both sides of the exchange against the real contract: what this package makes, the contract takes."""

from __future__ import annotations

import pytest

from chain.contracts.credits import Mint, balance
from chain.contracts.market.ids import preview_indices
from chain.contracts.market.lots import height_key
from chain.contracts.market.rows import BEACONS, LOTS, ORDERS, Accept, OrderRow, Publish
from chain.contracts.registry import Accredit
from chain.crypto.hashing import address_of, sha256
from chain.crypto.lot_format import chunk_key, chunk_seal
from chain.exchange.complaints import complaint_chunk, complaint_key, preview_keys
from chain.exchange.errors import BadChunk, BadKeyList
from chain.exchange.handover import buyer_secret, funding_new, hub_answer
from chain.exchange.lots import LotObject, object_check, open_lot, open_preview
from chain.exchange.manifest import manifest_check, manifest_decode
from chain.exchange.rows import rows_read
from tests.pure.chain.contracts.world import OPERATOR, PARAMS, T0, TREASURY, shared_genesis
from tests.pure.chain.contracts.world import World as LedgerWorld
from tests.pure.exchange.world import BUYER, BUYER_KEY, COLUMNS, PAYEE_KEY, R, dishonest, world_new

WORLD = world_new()
LEDGER_NAME = shared_genesis().ledger


@pytest.fixture
def ledger() -> LedgerWorld:
    world = LedgerWorld(shared_genesis())
    world.call(OPERATOR, "registry.accredit", Accredit(address=BUYER, until_ms=T0 + 10**9))
    world.call(TREASURY, "credits.mint", Mint(to=BUYER, amount=100))
    return world


def listed(ledger: LedgerWorld, lot: LotObject, digest: Publish) -> None:
    ledger.call(PAYEE_KEY, "market.publish", digest)
    height = ledger.height
    ledger.block()
    ledger.block()
    beacon = ledger.state.get(BEACONS, height_key(height))
    assert beacon is not None
    chosen = preview_indices(beacon.hash, WORLD.secrets.lot_id, digest.chunk_count, PARAMS["preview_chunks"])
    ledger.call(PAYEE_KEY, "market.open_preview", preview_keys(WORLD.secrets, lot, chosen))


def delivered(ledger: LedgerWorld) -> OrderRow:
    lot = ledger.state.get(LOTS, WORLD.secrets.lot_id)
    assert lot is not None and lot.status == "LISTED"
    ledger.call(BUYER_KEY, "market.fund", funding_new(R, lot, BUYER, LEDGER_NAME))
    (order_id,) = (key for key, _ in ledger.state.scan(ORDERS))
    order = ledger.state.get(ORDERS, order_id)
    assert order is not None
    answer = hub_answer(WORLD.secrets, order, LEDGER_NAME)
    ledger.call(PAYEE_KEY, "market.commit", answer.commit_args())
    ledger.call(PAYEE_KEY, "market.deliver", answer.deliver_args())
    found = ledger.state.get(ORDERS, order_id)
    assert found is not None
    return found


def status(ledger: LedgerWorld, order: OrderRow) -> tuple[str, str]:
    found = ledger.state.get(ORDERS, order.order_id)
    assert found is not None
    return found.status, found.outcome


def test_a_whole_purchase_ends_with_rows_for_the_buyer_and_credits_for_the_payee(ledger):
    listed(ledger, WORLD.lot, WORLD.digest)
    lot = ledger.state.get(LOTS, WORLD.secrets.lot_id)
    object_check(WORLD.lot, lot.digest)
    assert len(open_preview(WORLD.lot, lot.digest, lot.payee_key, lot.opened)) == PARAMS["preview_chunks"]
    order = delivered(ledger)
    opened = open_lot(WORLD.lot, lot.digest, lot.payee_key, buyer_secret(order.e, R, lot.digest.key_point))
    assert rows_read(opened.chunks) == (COLUMNS, WORLD.rows)
    shown = manifest_check(manifest_decode(opened.manifest), lot.digest, lot.lot_id)
    assert shown.label == "bft-verified"
    ledger.call(BUYER_KEY, "market.accept", Accept(order_id=order.order_id))
    assert status(ledger, order)[0] == "SETTLED"
    assert balance(ledger.state, address_of(PAYEE_KEY)) == WORLD.digest.price


@pytest.mark.parametrize("index", [0, 1, 31])
@pytest.mark.parametrize("readable", [True, False])
def test_the_evidence_of_a_bad_chunk_is_upheld(ledger, index, readable):
    chunk = WORLD.lot.chunk(index)
    other = sha256(b"rubbish") * 2000
    if readable:
        key = chunk_key(WORLD.secrets.key, index)
        chunk_text = chunk_seal(key, WORLD.secrets.lot_id, index, b"other rows".ljust(len(chunk) - 16, b"\0"))
        other = chunk_text
    lot, digest = dishonest(WORLD, chunk=(index, other[: len(chunk)]))
    listed(ledger, lot, digest)
    order = delivered(ledger)
    with pytest.raises(BadChunk) as fault:
        open_lot(lot, digest, PAYEE_KEY, WORLD.secrets.secret)
    evidence = complaint_chunk(order.order_id, lot, PAYEE_KEY, WORLD.secrets.secret, fault.value.index)
    ledger.call(BUYER_KEY, "market.complain_chunk", evidence)
    assert status(ledger, order) == ("REFUNDED", "bad_chunk")


def test_the_evidence_of_a_bad_plaintext_leaf_is_upheld(ledger):
    lot, digest = dishonest(WORLD, plain_leaves=(11, sha256(b"a leaf of nothing")))
    listed(ledger, lot, digest)
    order = delivered(ledger)
    with pytest.raises(BadChunk) as fault:
        open_lot(lot, digest, PAYEE_KEY, WORLD.secrets.secret)
    assert fault.value.index == 12
    evidence = complaint_chunk(order.order_id, lot, PAYEE_KEY, WORLD.secrets.secret, 12)
    ledger.call(BUYER_KEY, "market.complain_chunk", evidence)
    assert status(ledger, order) == ("REFUNDED", "bad_chunk")


def test_the_evidence_of_a_bad_key_list_is_upheld_and_burns_the_lot(ledger):
    # Index 0 is never chosen for a preview, so this lot is listed.
    lot, digest = dishonest(WORLD, key_leaves=(0, sha256(b"a leaf of no key")))
    listed(ledger, lot, digest)
    order = delivered(ledger)
    with pytest.raises(BadKeyList) as fault:
        open_lot(lot, digest, PAYEE_KEY, WORLD.secrets.secret)
    evidence = complaint_key(order.order_id, lot, WORLD.secrets.secret, fault.value.index)
    ledger.call(BUYER_KEY, "market.complain_key", evidence)
    assert status(ledger, order) == ("REFUNDED", "bad_keys")
    assert ledger.state.get(LOTS, WORLD.secrets.lot_id).status == "BURNT"


def test_a_complaint_about_an_honest_lot_is_refused(ledger):
    listed(ledger, WORLD.lot, WORLD.digest)
    order = delivered(ledger)
    for index in (0, 1, 31):
        evidence = complaint_chunk(order.order_id, WORLD.lot, PAYEE_KEY, WORLD.secrets.secret, index)
        assert ledger.code(BUYER_KEY, "market.complain_chunk", evidence) == "chunk_honest"
        proof = complaint_key(order.order_id, WORLD.lot, WORLD.secrets.secret, index)
        assert ledger.code(BUYER_KEY, "market.complain_key", proof) == "key_honest"
    assert status(ledger, order)[0] == "DELIVERED"
