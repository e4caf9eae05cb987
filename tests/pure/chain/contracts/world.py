"""A ledger without blocks or signatures: contracts over a real state, one call at a time, with a clock to turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from chain.contracts import CONTRACT_SETS
from chain.contracts.credits import ESCROW, balance, supply
from chain.contracts.market.ids import commitment_of, fund_digest, order_id_of
from chain.contracts.market.rows import (
    Commit,
    ComplainChunk,
    ComplainKey,
    Deliver,
    Fund,
    OpenPreview,
    PreviewKey,
    Publish,
)
from chain.core.codec import decode, encode
from chain.core.memory_state import MemoryState, Overlay
from chain.core.merkle import leaf_hash, path, root
from chain.core.types import Context, Event, Genesis, Record
from chain.crypto.hashing import address_of, sha256, tagged
from chain.crypto.lot_format import (
    chunk_key,
    chunk_salt,
    chunk_seal,
    lot_id_of,
    lot_key,
    plain_item,
)
from chain.crypto.secp256k1 import public_key, scalar_add, sign
from marketplace.common.errors import HearthError

T0 = 1_800_000_000_000
PARAMS = {"t1_ms": 3000, "t1_deliver_ms": 3000, "t2_ms": 3000, "preview_ms": 3000, "preview_chunks": 2, "fee_bps": 250}


def secret_of(name: str) -> bytes:
    """A secret key that the tests know by name."""
    return tagged("test/secret", name.encode())


@cache
def key_of(name: str) -> bytes:
    return public_key(secret_of(name))


def address(name: str) -> bytes:
    return address_of(key_of(name))


TREASURY, OPERATOR, OWNER, HUB, MASTER = "treasury", "operator", "owner", "hub", "master"


def shared_genesis(**params: int) -> Genesis:
    return Genesis(
        ledger="shared-test",
        kind="shared",
        time_ms=T0,
        validators=(key_of("validator"),),
        params=tuple(sorted({**PARAMS, **params}.items())),
        roles=((OPERATOR, key_of(OPERATOR)), (TREASURY, key_of(TREASURY))),
        allocations=((address(TREASURY), 1000),),
    )


def device_genesis(**params: int) -> Genesis:
    return Genesis(
        ledger="home-test",
        kind="device",
        time_ms=T0,
        validators=(),
        params=tuple(sorted(params.items())),
        roles=tuple((name, key_of(name)) for name in (HUB, MASTER, OWNER)),
    )


class World:
    """One ledger. ``call`` runs one call on an overlay that is dropped when the call is refused."""

    def __init__(self, genesis: Genesis) -> None:
        self.genesis = genesis
        self.set = CONTRACT_SETS[genesis.kind]
        self.state = MemoryState()
        overlay = Overlay(self.state)
        for contract in self.set.contracts:
            contract.at_genesis(genesis, overlay)
        self.state.apply(overlay.changes())
        self.height = 0
        self.time_ms = genesis.time_ms
        self.block(0)

    def block(self, ms: int = 1) -> None:
        """The next block, ``ms`` later."""
        self.height += 1
        self.time_ms += max(ms, 1)
        overlay = Overlay(self.state)
        for contract in self.set.contracts:
            contract.begin_block(self.context(), overlay)
        self.state.apply(overlay.changes())

    def context(self, sender_key: bytes = b"") -> Context:
        return Context(
            genesis=self.genesis,
            params=dict(self.genesis.params),
            roles=dict(self.genesis.roles),
            height=self.height,
            time_ms=self.time_ms,
            previous=sha256(b"block", self.height.to_bytes(8, "big")),
            sender_key=sender_key,
            sender=address_of(sender_key) if sender_key else b"",
        )

    def call(self, sender: str | bytes, name: str, args: Record, *, keep: bool = True) -> tuple[Event, ...]:
        """Run a call by the key of that name; the arguments go through their canonical bytes as in a transaction.

        With ``keep=False`` the state stays as it is.
        """
        contract_name, short = name.split(".")
        call = next(c for c in self.set.contracts if c.name == contract_name).calls[short]
        overlay = Overlay(self.state)
        sender_key = key_of(sender) if isinstance(sender, str) else sender
        events = call.run(self.context(sender_key), overlay, decode(call.args, encode(args)))
        if keep:
            self.state.apply(overlay.changes())
        return events

    def code(self, sender: str | bytes, name: str, args: Record, *, keep: bool = True) -> str:
        """The code with which a call is refused, empty if it goes through."""
        try:
            self.call(sender, name, args, keep=keep)
        except HearthError as refusal:
            return refusal.code
        return ""

    def balance(self, name: str) -> int:
        return balance(self.state, address(name))

    def escrow(self) -> int:
        return balance(self.state, ESCROW)

    def credits_total(self) -> int:
        total = supply(self.state)
        return total.minted - total.burnt


@dataclass(frozen=True)
class TestLot:
    """A sealed lot of small chunks, and what its seller knows. ``tamper`` makes it false in one way."""

    __test__ = False

    name: str
    digest: Publish
    secret: bytes
    keys: tuple[bytes, ...]
    chunks: tuple[bytes, ...]
    plain_leaves: tuple[bytes, ...]
    key_leaves: tuple[bytes, ...] = field(repr=False)
    cipher_leaves: tuple[bytes, ...] = field(repr=False)

    @property
    def payee(self) -> str:
        return f"payee/{self.name}"

    @property
    def lot_id(self) -> bytes:
        return lot_id_of(key_of(self.payee))

    def preview(self, indices: tuple[int, ...]) -> OpenPreview:
        return OpenPreview(
            keys=tuple(PreviewKey(index=i, key=self.keys[i], path=path(self.key_leaves, i)) for i in indices)
        )

    def complaint_chunk(self, order_id: bytes, index: int) -> ComplainChunk:
        data = index >= 1
        return ComplainChunk(
            order_id=order_id,
            index=index,
            key=self.keys[index],
            chunk=self.chunks[index],
            key_path=path(self.key_leaves, index),
            cipher_path=path(self.cipher_leaves, index),
            plain_leaf=self.plain_leaves[index] if data else b"",
            plain_path=path(self.plain_leaves[1:], index - 1) if data else (),
        )

    def complaint_key(self, order_id: bytes, index: int) -> ComplainKey:
        return ComplainKey(
            order_id=order_id,
            secret=self.secret,
            index=index,
            key_leaf=self.key_leaves[index],
            path=path(self.key_leaves, index),
        )


Tamper = Callable[[dict[str, list[bytes]]], None]


def honest(parts: dict[str, list[bytes]]) -> None:
    return None


def wrong_plaintext(index: int) -> Tamper:
    """The chunk opens, but to something else than the digest says."""

    def tamper(parts: dict[str, list[bytes]]) -> None:
        parts["plain_leaves"][index] = leaf_hash(b"what the voters saw")

    return tamper


def broken_cipher(index: int) -> Tamper:
    """The chunk does not open at all."""

    def tamper(parts: dict[str, list[bytes]]) -> None:
        parts["chunks"][index] = bytes(len(parts["chunks"][index]))

    return tamper


def wrong_key(index: int) -> Tamper:
    """The list of keys has one that the secret does not give."""

    def tamper(parts: dict[str, list[bytes]]) -> None:
        parts["keys"][index] = sha256(b"another key")

    return tamper


def make_lot(name: str, tamper: Tamper = honest, *, chunk_count: int = 32, **terms: Any) -> TestLot:
    """Seal a lot under the payee key ``payee/<name>``; ``terms`` replace fields of its digest."""
    secret = secret_of(f"lot/{name}")
    lot_id = lot_id_of(key_of(f"payee/{name}"))
    plain = [sha256(name.encode(), index.to_bytes(4, "big")) for index in range(chunk_count)]
    keys = [chunk_key(lot_key(secret, lot_id), index) for index in range(chunk_count)]
    parts = {
        "keys": list(keys),
        "chunks": [chunk_seal(keys[i], lot_id, i, plain[i]) for i in range(chunk_count)],
        "plain_leaves": [leaf_hash(plain_item(chunk_salt(keys[i]), plain[i])) for i in range(chunk_count)],
    }
    tamper(parts)
    key_leaves = [leaf_hash(key) for key in parts["keys"]]
    cipher_leaves = [leaf_hash(chunk) for chunk in parts["chunks"]]
    fields = {
        "object_id": sha256(b"object", name.encode()),
        "key_point": public_key(secret),
        "hpke_key": sha256(b"hpke", name.encode()),
        "cipher_root": root(cipher_leaves),
        "plain_root": root(parts["plain_leaves"][1:]),
        "key_root": root(key_leaves),
        "manifest_hash": parts["plain_leaves"][0],
        "batch_root": sha256(b"batch", name.encode()),
        "chunk_count": chunk_count,
        "record_count": 100,
        "size_bytes": 4096,
        "schema": "indoor-climate/1",
        "device_class": "thermometer",
        "quantity": "temperature",
        "resolution_s": 900,
        "cell": "u33d",
        "period_start_ms": T0 - 86_400_000,
        "period_end_ms": T0,
        "price": 40,
        "licence_kind": "copy",
        "licence": sha256(b"licence"),
        "label": "bft-verified",
        "support": "corroborated",
        "voters": 5,
        "expires_ms": T0 + 10**9,
        **terms,
    }
    return TestLot(
        name=name,
        digest=Publish(**fields),
        secret=secret,
        keys=tuple(parts["keys"]),
        chunks=tuple(parts["chunks"]),
        plain_leaves=tuple(parts["plain_leaves"]),
        key_leaves=tuple(key_leaves),
        cipher_leaves=tuple(cipher_leaves),
    )


def fund_args(world: World, lot: TestLot, r_name: str, buyer: str, *, price: int | None = None) -> Fund:
    """The funding of ``buyer`` under the point of the secret ``r_name``."""
    point = key_of(r_name)
    order_id = order_id_of(lot.lot_id, point)
    digest = fund_digest(world.genesis.ledger, order_id, lot.lot_id, address(buyer))
    return Fund(
        lot_id=lot.lot_id,
        point=point,
        sealed_r=b"sealed " + r_name.encode(),
        price=lot.digest.price if price is None else price,
        licence=lot.digest.licence,
        r_signature=sign(secret_of(r_name), digest),
    )


def answer(lot: TestLot, r_name: str) -> bytes:
    """e = s + r."""
    return scalar_add(lot.secret, secret_of(r_name))


def commit_args(order_id: bytes, e: bytes) -> Commit:
    return Commit(order_id=order_id, commitment=commitment_of(e, sha256(order_id)))


def deliver_args(order_id: bytes, e: bytes) -> Deliver:
    return Deliver(order_id=order_id, e=e, nonce=sha256(order_id))
