"""What the ledger's benchmarks share: a scratch database, a shared ledger over it, and signed transactions."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import django
from django.core.management import call_command
from django.db import connections

from chain.consensus.validators import vote_sign
from chain.contracts import CONTRACT_SETS
from chain.contracts.market.rows import Publish
from chain.core.codec import encode
from chain.core.transactions import tx_new, tx_sign
from chain.core.types import Block, Genesis, Record
from chain.crypto.hashing import address_of, tagged
from chain.crypto.secp256k1 import public_key
from chain.engine.application import Prepared
from chain.engine.ledger import Ledger
from chain.engine.mempool import Mempool
from chain.stores.sql import SqlStore

ALIAS = "ledger"
LEDGER = "shared-bench"
BEGIN_MS = 1_800_000_000_000
BLOCK = 500
T = TypeVar("T")


def secret_of(name: str) -> bytes:
    return tagged("bench/secret", name.encode())


VALIDATOR, TREASURY, OPERATOR = secret_of("validator"), secret_of("treasury"), secret_of("operator")
PROPOSER = public_key(VALIDATOR)


def line(name: str, value: float, unit: str, peer: float) -> None:
    """One figure, and its ratio to the peer of the same run."""
    sys.stdout.write(f"{name:46} {value:11,.1f} {unit:9} {value / peer:6.2f} x peer\n")
    sys.stdout.flush()


@contextmanager
def scratch_database() -> Iterator[None]:
    """The tables of the ledgers in a file of their own, SQLite set up as in earnest (WAL; blocks write with FULL)."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings.test")
    django.setup()
    connection = connections[ALIAS]
    with TemporaryDirectory(prefix="hearth-bench-") as folder:
        before = connection.settings_dict["NAME"]
        connection.close()
        connection.settings_dict["NAME"] = str(Path(folder) / "ledger.sqlite3")
        try:
            call_command("migrate", "chain", database=ALIAS, verbosity=0)
            yield
        finally:
            connection.close()
            connection.settings_dict["NAME"] = before


def genesis() -> Genesis:
    params = {"t1_ms": 600_000, "t1_deliver_ms": 120_000, "t2_ms": 7_200_000, "preview_ms": 600_000}
    params |= {"preview_chunks": 2, "fee_bps": 250}
    roles = (("operator", public_key(OPERATOR)), ("treasury", public_key(TREASURY)))
    return Genesis(LEDGER, "shared", BEGIN_MS, (PROPOSER,), tuple(sorted(params.items())), roles)


def ledger_new() -> Ledger:
    """A shared ledger over the scratch database, with room for every transaction of a run."""
    return Ledger(genesis(), CONTRACT_SETS["shared"], SqlStore(LEDGER, ALIAS), pool=Mempool(10**6, 10**10))


def signed(secret: bytes, nonce: int, call: str, args: Record) -> bytes:
    tx = tx_new(ledger=LEDGER, sender=public_key(secret), nonce=nonce, valid_until=10**9, call=call, args=args)
    return encode(tx_sign(tx, secret))


def digest_of(number: int, key_root: bytes = b"", secret: bytes = b"") -> Publish:
    """The digest of a lot, as large as real ones."""

    def root(name: str) -> bytes:
        return tagged("bench/root", name.encode(), number.to_bytes(8, "big"))

    return Publish(
        object_id=root("object"),
        key_point=public_key(secret or root("s")),
        hpke_key=root("hpke"),
        cipher_root=root("cipher"),
        plain_root=root("plain"),
        key_root=key_root or root("key"),
        manifest_hash=root("manifest"),
        batch_root=root("batch"),
        chunk_count=32,
        record_count=10_080,
        size_bytes=200_000,
        schema="hearth/series/1",
        device_class="meter.power",
        quantity="power",
        resolution_s=60,
        cell="u33d",
        period_start_ms=BEGIN_MS - 604_800_000,
        period_end_ms=BEGIN_MS,
        price=25,
        licence_kind="copy",
        licence=root("licence"),
        label="bft-verified",
        support="corroborated",
        voters=5,
        expires_ms=BEGIN_MS + 10**10,
    )


def anchors(count: int, salt: str = "") -> list[bytes]:
    """Signed ``market.publish`` transactions, each by a payee key of its own as the protocol wants it."""
    return [
        signed(secret_of(f"payee {salt}{number}"), 0, "market.publish", digest_of(number)) for number in range(count)
    ]


def block_make(ledger: Ledger, prepared: Sequence[Prepared]) -> Block:
    """Execute, sign, append durably."""
    proposal = ledger.execute(prepared, ledger.time_ms + 1, PROPOSER)
    return ledger.commit(proposal, [vote_sign(VALIDATOR, proposal.header)])


def run_all(ledger: Ledger, raws: Iterable[bytes]) -> int:
    """Check, order and commit in blocks of ``BLOCK``; how many calls were refused."""
    refused = 0
    for part in portions(raws, BLOCK):
        block = block_make(ledger, [ledger.submit(raw) for raw in part])
        refused += sum(1 for receipt in block.receipts if receipt.code)
    return refused


def portions(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of up to ``size`` items."""
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part


def address(secret: bytes) -> bytes:
    return address_of(public_key(secret))
