"""Purchase cycles a second, and how fast ``verify`` replays a ledger.

A cycle is fund, commit, deliver, accept of one lot, each signed by its side, verified, executed and durable;
publishing and opening previews comes before and is not counted. Run with ``python -m tests.bench.ledger_cycles``. The
peer verifies the signatures of the same transactions and does nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

from chain.contracts import CONTRACT_SETS
from chain.contracts.credits import Mint
from chain.contracts.market.ids import commitment_of, fund_digest, lot_id_of, order_id_of, preview_indices
from chain.contracts.market.rows import Accept, Commit, Deliver, Fund, OpenPreview, PreviewKey, Publish
from chain.contracts.registry import Accredit
from chain.core.merkle import leaf_hash, levels_of, path_in
from chain.crypto.hashing import tagged
from chain.crypto.secp256k1 import public_key, scalar_add, sign, verify
from chain.engine.ledger import Ledger
from chain.engine.replay import verify_chain
from chain.stores.sql import SqlStore
from tests.bench.ledger_world import (
    ALIAS,
    BEGIN_MS,
    BLOCK,
    LEDGER,
    OPERATOR,
    TREASURY,
    address,
    block_make,
    digest_of,
    ledger_new,
    line,
    run_all,
    scratch_database,
    secret_of,
    signed,
)

LOTS = 2_000
CHUNKS = 32
BUYERS = 4
STEPS = 4


@dataclass(frozen=True, slots=True)
class Lot:
    """A lot's secrets: the payee key, s and the keys of its chunks."""

    number: int
    payee: bytes
    secret: bytes
    levels: list[list[bytes]]
    keys: list[bytes]
    digest: Publish

    @property
    def lot_id(self) -> bytes:
        return lot_id_of(public_key(self.payee))


def lot_new(number: int) -> Lot:
    secret = secret_of(f"s {number}")
    keys = [tagged("bench/key", secret, index.to_bytes(4, "big")) for index in range(CHUNKS)]
    levels = levels_of([leaf_hash(key) for key in keys])
    return Lot(number, secret_of(f"seller {number}"), secret, levels, keys, digest_of(number, levels[-1][0], secret))


def prepare(ledger: Ledger, lots: list[Lot], buyers: list[bytes]) -> None:
    """Accredit and pay the buyers; publish all lots in one block, open them two blocks later."""
    setup = [
        signed(OPERATOR, nonce, "registry.accredit", Accredit(address(buyer), BEGIN_MS + 10**10))
        for nonce, buyer in enumerate(buyers)
    ] + [signed(TREASURY, nonce, "credits.mint", Mint(address(buyer), 10**9)) for nonce, buyer in enumerate(buyers)]
    refused = run_all(ledger, setup)
    publish = [ledger.submit(signed(lot.payee, 0, "market.publish", lot.digest)) for lot in lots]
    block_make(ledger, publish)
    block_make(ledger, [])
    beacon = ledger.head_hash
    block_make(ledger, [])
    previews = [signed(lot.payee, 1, "market.open_preview", preview(lot, beacon)) for lot in lots]
    if refused + run_all(ledger, previews):
        raise ValueError("the benchmark's lots were not listed")


def preview(lot: Lot, beacon: bytes) -> OpenPreview:
    indices = preview_indices(beacon, lot.lot_id, CHUNKS, 2)
    return OpenPreview(tuple(PreviewKey(index, lot.keys[index], path_in(lot.levels, index)) for index in indices))


def cycle(lot: Lot, buyer: bytes, nonce: int) -> list[bytes]:
    """The four transactions of one purchase."""
    r, seal = secret_of(f"r {lot.number}"), b"\x00" * 80
    order_id = order_id_of(lot.lot_id, public_key(r))
    proof = sign(r, fund_digest(LEDGER, order_id, lot.lot_id, address(buyer)))
    e, hidden = scalar_add(lot.secret, r), tagged("bench/nonce", lot.secret)
    fund = Fund(lot.lot_id, public_key(r), seal, lot.digest.price, lot.digest.licence, proof)
    return [
        signed(buyer, nonce, "market.fund", fund),
        signed(lot.payee, 2, "market.commit", Commit(order_id, commitment_of(e, hidden))),
        signed(lot.payee, 3, "market.deliver", Deliver(order_id, e, hidden)),
        signed(buyer, nonce + 1, "market.accept", Accept(order_id)),
    ]


def main() -> None:
    """Print the figures."""
    lots = [lot_new(number) for number in range(LOTS)]
    buyers = [secret_of(f"buyer {number}") for number in range(BUYERS)]
    cycles = [cycle(lot, buyers[lot.number % BUYERS], 2 * (lot.number // BUYERS)) for lot in lots]
    raws = [raw for steps in cycles for raw in steps]
    with scratch_database():
        ledger = ledger_new()
        prepare(ledger, lots, buyers)
        prepared = [ledger.prepare(raw) for raw in raws]
        started = perf_counter()
        if not all(verify(each.tx.sender, each.tx_id, each.signature) for each in prepared):
            raise ValueError("a signature of the benchmark does not hold")
        peer = LOTS / (perf_counter() - started)
        started = perf_counter()
        refused = run_all(ledger, raws)
        seconds = perf_counter() - started
        if refused:
            raise ValueError(f"{refused} calls of the benchmark were refused")
        line("peer: the 4 signatures of a cycle, verified", peer, "cycles/s", peer)
        line(f"purchase cycles, one process, blocks of {BLOCK}", LOTS / seconds, "cycles/s", peer)
        started = perf_counter()
        report = verify_chain(SqlStore(LEDGER, ALIAS), CONTRACT_SETS["shared"])
        if not report.ok:
            raise ValueError(f"the benchmark's ledger does not verify: {report.reason}")
        rate = report.transactions / (perf_counter() - started)
        line("ledger verify, all signatures and states", rate, "tx/s", STEPS * peer)
        started = perf_counter()
        ledger_new()
        line("reopening without a checkpoint", report.transactions / (perf_counter() - started), "tx/s", STEPS * peer)


if __name__ == "__main__":
    main()
