"""A home that sells: seals lots, uploads them over REST, anchors, opens previews, delivers. It can also cheat."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import count

import msgspec
from rest_framework.test import APIClient

from chain.consensus.ballot import APPROVE, PlainRoot, Verdict, ballot_encode, ballot_extra
from chain.consensus.quorum import label_for
from chain.consensus.validators import vote_sign
from chain.contracts.market.ids import preview_indices
from chain.contracts.market.rows import BEACONS, Publish, Reject
from chain.core.blocks import validators_hash
from chain.core.merkle import leaf_hash, root
from chain.core.types import Header, Validator
from chain.crypto.hashing import sha256, tagged
from chain.crypto.lot_format import chunk_key, chunk_seal
from chain.crypto.secp256k1 import public_key
from chain.exchange.certificate import certificate_new
from chain.exchange.complaints import preview_keys
from chain.exchange.handover import hub_answer
from chain.exchange.lots import LotSecrets, SealedLot, lists_end, object_parse, salts, seal_lot
from chain.exchange.manifest import Manifest, SeriesFacts, digest_new, facts_hash, manifest_encode
from chain.exchange.rows import TIME_COLUMN, Column, batch_root, batch_salt, chunk_count_for, data_chunks, plain_root
from chain.wallets.signer import Signer
from marketplace.common import licences
from tests.enterprises.ledger import T0, SharedLedger, signer_of

COLUMNS = (TIME_COLUMN, Column("temperature", "C", 2))
CLOUD_SECRET = sha256(b"cloud")
STEP_MS = 300_000
_numbers = count(1)


@dataclass
class Lot:
    """One lot of the home, as the hub knows it."""

    payee: Signer
    secrets: LotSecrets
    sealed: SealedLot
    digest: Publish
    rows: list[tuple[int, ...]]
    publish_tx: str = ""

    @property
    def id(self) -> str:
        return self.secrets.lot_id.hex()


class Home:
    """Deals with the market as a hub does: a token, objects over REST, transactions signed by payee keys."""

    def __init__(self, ledger: SharedLedger, cell: str = "g10:344:-1175") -> None:
        self.ledger, self.cell = ledger, cell
        self.key = signer_of(f"hub-{next(_numbers)}")
        self.token = hub_token(self.key)
        self.api = APIClient(headers={"Authorization": f"Bearer {self.token}"})

    def seal(self, *, quantity: str = "temperature", price: int = 100, row_count: int = 200) -> Lot:
        """Seal made-up rows under a fresh payee key."""
        payee = signer_of(f"payee-{next(_numbers)}")
        secrets = LotSecrets.derive(CLOUD_SECRET, payee.public_key)
        rows = [(T0 - 86_400_000 + i * STEP_MS, 2000 + (i * 37) % 500) for i in range(row_count)]
        chunks = data_chunks(rows, COLUMNS, chunk_count_for(rows, COLUMNS))
        manifest = self._manifest(secrets, rows, chunks, quantity)
        sealed = seal_lot(secrets, manifest_encode(manifest), chunks)
        licence = licences.current("copy").digest
        digest = digest_new(
            secrets, sealed, manifest, voters=4, price=price, licence_kind="copy", licence=licence, expires_ms=T0 * 2
        )
        return Lot(payee, secrets, sealed, digest, rows)

    def upload(self, lot: Lot) -> None:
        data = lot.sealed.object_bytes
        answer = self.api.put(
            f"/api/v1/market/objects/{lot.secrets.object_id.hex()}?cell={self.cell}",
            data,
            content_type="application/octet-stream",
            headers={
                "X-Object-Sha256": hashlib.sha256(data).hexdigest(),
                "X-Deletion-Digest": hashlib.sha256(lot.secrets.lot_id.hex().encode()).hexdigest(),
            },
        )
        assert answer.status_code == 201, answer.content

    def list(self, lot: Lot) -> Lot:
        """Upload, anchor, and open the preview."""
        self.upload(lot)
        return self.anchor(lot)

    def anchor(self, lot: Lot) -> Lot:
        proof = self.ledger.call(lot.payee, "market.publish", lot.digest)
        assert not proof.receipt.code, proof.receipt.code
        lot.publish_tx = proof.tx_id.hex()
        self.ledger.turn(10)
        self.ledger.turn(10)
        opened = preview_keys(lot.secrets, object_parse(lot.sealed.object_bytes), self.chosen(lot))
        assert not self.ledger.call(lot.payee, "market.open_preview", opened).receipt.code
        return lot

    def chosen(self, lot: Lot) -> tuple[int, ...]:
        """Which chunks the ledger wants to see of an anchored lot."""
        row = self.ledger.lot(lot.secrets.lot_id)
        assert row is not None
        beacon = self.ledger.engine.state.get(BEACONS, row.anchored_height.to_bytes(8, "big"))
        assert beacon is not None
        return preview_indices(beacon.hash, lot.secrets.lot_id, row.digest.chunk_count, 2)

    def commit(self, lot: Lot) -> None:
        for order in self._orders(lot, "FUNDED"):
            answer = hub_answer(lot.secrets, order, self.ledger.ledger)
            assert not self.ledger.call(lot.payee, "market.commit", answer.commit_args()).receipt.code

    def deliver(self, lot: Lot) -> None:
        self.commit(lot)
        for order in self._orders(lot, "COMMITTED"):
            answer = hub_answer(lot.secrets, order, self.ledger.ledger)
            assert not self.ledger.call(lot.payee, "market.deliver", answer.deliver_args()).receipt.code

    def reject(self, lot: Lot) -> None:
        for order in self._orders(lot, "FUNDED"):
            assert not self.ledger.call(lot.payee, "market.reject", Reject(order.order_id, "away")).receipt.code

    def _orders(self, lot: Lot, status: str) -> list:
        mine = (order for order in self.ledger.orders() if order.lot_id == lot.secrets.lot_id)
        return [order for order in mine if order.status == status]

    def _manifest(self, secrets: LotSecrets, rows: list, chunks: list[bytes], quantity: str) -> Manifest:
        series = tagged("test/series", secrets.lot_id)
        lot_root = plain_root(salts(secrets, len(chunks) + 1), chunks)
        voters = [tagged("test/voter", bytes([number])) for number in range(4)]
        facts = SeriesFacts(
            "climate", quantity, "sensor", "fine", self.cell, 300, 10, -2000, 6000, 0,
            rows[0][0], rows[-1][0] + STEP_MS, len(rows),
        )  # fmt: skip
        comparable = tuple(public_key(secret) for secret in voters[1:])
        signed = facts_hash(series, "hearth.series/1", COLUMNS, facts, comparable)
        roots = PlainRoot(series, lot_root, batch_root(batch_salt(b"s" * 32, series), chunks), signed)
        validators = tuple(
            sorted((Validator(public_key(s), f"host-{n}") for n, s in enumerate(voters)), key=lambda each: each.key)
        )
        header = Header(
            "home-7", 9, sha256(b"previous"), T0, sha256(b"tx"), sha256(b"receipts"), sha256(b"state"),
            validators_hash(validators), self.key.public_key,
        )  # fmt: skip
        extra = ballot_encode(ballot_extra((roots,), (Verdict(series, APPROVE),)))
        votes = [vote_sign(secret, header, round=1, extra=extra) for secret in voters]
        return Manifest(
            version=1,
            lot_id=secrets.lot_id,
            schema="hearth.series/1",
            label=label_for(4),
            support="corroborated",
            columns=COLUMNS,
            facts=facts,
            roots=roots,
            comparable=comparable,
            certificate=certificate_new(sha256(b"genesis"), header, validators, votes),
        )  # fmt: skip


def hub_token(key: Signer) -> str:
    """Register a hub by answering the market's challenge."""
    return register("/api/v1/market/hubs", key)


def register(path: str, key: Signer, **body: str) -> str:
    api = APIClient()
    asked = api.post("/api/v1/market/challenges", {"public_key": key.public_key.hex()}, format="json")
    assert asked.status_code == 200, asked.content
    challenge = asked.json()["challenge"]
    signature = key.sign_digest(tagged("hearth/register", challenge.encode(), key.public_key)).hex()
    body |= {"public_key": key.public_key.hex(), "challenge": challenge, "signature": signature}
    answer = api.post(path, body, format="json")
    assert answer.status_code == 201, answer.content
    return str(answer.json()["token"])


def spoil_chunk(lot: Lot, index: int) -> None:
    """Store, under a right leaf, other rows in chunk ``index`` than those that the home's devices signed."""
    area = object_parse(lot.sealed.object_bytes)
    start, end = area.span(index)
    key = chunk_key(lot.secrets.key, index)
    other = chunk_seal(key, lot.secrets.lot_id, index, bytes(end - start - 16))
    data = bytearray(lot.sealed.object_bytes)
    data[start:end] = other
    data[16 + 32 * index : 48 + 32 * index] = leaf_hash(other)
    _reseal(lot, bytes(data))


def spoil_key(lot: Lot, index: int) -> None:
    """Put another key's leaf into the list of keys."""
    place = lists_end(lot.sealed.chunk_count) - 32 * (lot.sealed.chunk_count - index)
    data = bytearray(lot.sealed.object_bytes)
    data[place : place + 32] = leaf_hash(sha256(b"another key"))
    _reseal(lot, bytes(data))


def _reseal(lot: Lot, data: bytes) -> None:
    area = object_parse(data)
    roots = {"cipher_root": root(area.cipher_leaves), "key_root": root(area.key_leaves)}
    lot.sealed = SealedLot(data, plain_root=lot.sealed.plain_root, manifest_hash=lot.sealed.manifest_hash,
                           chunk_count=lot.sealed.chunk_count, **roots)  # fmt: skip
    lot.digest = msgspec.structs.replace(lot.digest, **roots)
