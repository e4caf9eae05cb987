"""A home, its voters, a sealed lot and its digest, made from fixed secrets: the stage for the tests of the exchange."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from chain.consensus.ballot import APPROVE, PlainRoot, Verdict, ballot_encode, ballot_extra
from chain.consensus.quorum import label_for
from chain.consensus.validators import vote_sign
from chain.contracts.market.ids import order_id_of
from chain.contracts.market.rows import LISTED, LotRow, OrderRow, Publish
from chain.core.blocks import validators_hash
from chain.core.merkle import leaf_hash, root
from chain.core.types import Header, Validator, Vote
from chain.crypto.hashing import address_of, sha256
from chain.crypto.secp256k1 import public_key
from chain.exchange.certificate import certificate_new
from chain.exchange.handover import funding_new
from chain.exchange.lots import LotObject, LotSecrets, SealedLot, object_parse, salts, scalar_of, seal_lot
from chain.exchange.manifest import Manifest, SeriesFacts, digest_new, facts_hash, manifest_encode
from chain.exchange.rows import TIME_COLUMN, Column, batch_root, batch_salt, chunk_count_for, data_chunks, plain_root

LEDGER = "shared"
CLOUD_SECRET = sha256(b"cloud")
PAYEE_KEY = public_key(sha256(b"payee"))
BUYER_KEY = public_key(sha256(b"buyer"))
BUYER = address_of(BUYER_KEY)
R = scalar_of(b"buyer's number, forty-eight bytes, never reused!")
SERIES = sha256(b"series")
GENESIS = sha256(b"genesis of the home's ledger")
COLUMNS = (TIME_COLUMN, Column("temperature", "C", 2))
START_MS, STEP_MS = 1_700_000_100_000, 300_000


def rows_of(count: int) -> list[tuple[int, ...]]:
    """A made-up curve of five-minute temperatures."""
    return [(START_MS + i * STEP_MS, 2000 + (i * 37) % 500 - (i % 7) * 11) for i in range(count)]


def voter_secret(number: int) -> bytes:
    return sha256(b"voter", bytes([number]))


def voters_of(domains: Sequence[str]) -> tuple[Validator, ...]:
    found = [Validator(public_key(voter_secret(i)), domain) for i, domain in enumerate(domains)]
    return tuple(sorted(found, key=lambda validator: validator.key))


def votes_of(
    header: Header, roots: PlainRoot, outcomes: Sequence[str | None], others: Sequence[PlainRoot] = ()
) -> list[Vote]:
    """Each voter's vote with its outcome for the series; None is silence."""
    votes = []
    for number, outcome in enumerate(outcomes):
        if outcome is None:
            continue
        verdicts = [Verdict(roots.series_id, outcome, "" if outcome == APPROVE else "too_far")]
        verdicts += [Verdict(other.series_id, APPROVE) for other in others]
        extra = ballot_encode(ballot_extra((roots, *others), tuple(verdicts)))
        votes.append(vote_sign(voter_secret(number), header, round=2, extra=extra))
    return votes


@dataclass(frozen=True)
class World:
    """Everything about one lot."""

    secrets: LotSecrets
    rows: list[tuple[int, ...]]
    roots: PlainRoot
    manifest: Manifest
    sealed: SealedLot
    digest: Publish

    @property
    def lot(self) -> LotObject:
        return object_parse(self.sealed.object_bytes)

    @property
    def row(self) -> LotRow:
        return LotRow(self.digest, PAYEE_KEY, address_of(PAYEE_KEY), LISTED, self.digest.price, 7, 7000, 9000)


def world_new(
    *,
    row_count: int = 200,
    domains: Sequence[str] = ("a", "b", "c", "d"),
    outcomes: Sequence[str | None] | None = None,
    comparable: Sequence[int] = (1, 2, 3),
    cloud_secret: bytes = CLOUD_SECRET,
    **claims: object,
) -> World:
    """A sealed lot with its certificate; ``claims`` replace what manifest and digest say (label, support, voters)."""
    secrets = LotSecrets.derive(cloud_secret, PAYEE_KEY)
    rows = rows_of(row_count)
    count = chunk_count_for(rows, COLUMNS)
    chunks = data_chunks(rows, COLUMNS, count)
    facts = SeriesFacts(
        "climate", "temperature", "sensor", "fine", "g10:344:-1175", 300, 10, -2000, 6000, 0,
        rows[0][0] if rows else START_MS, (rows[-1][0] if rows else START_MS) + STEP_MS, len(rows),
    )  # fmt: skip
    speakers = tuple(public_key(voter_secret(i)) for i in comparable if i < len(domains))
    roots = PlainRoot(
        SERIES,
        plain_root(salts(secrets, count), chunks),
        batch_root(batch_salt(b"s" * 32, SERIES), chunks),
        facts_hash(SERIES, "hearth.series/1", COLUMNS, facts, speakers),
    )
    validators = voters_of(domains)
    header = Header(
        "home-7", 9, sha256(b"previous"), START_MS, sha256(b"tx"), sha256(b"receipts"), sha256(b"state"),
        validators_hash(validators), public_key(sha256(b"hub")),
    )  # fmt: skip
    votes = votes_of(header, roots, outcomes if outcomes is not None else [APPROVE] * len(domains))
    manifest = Manifest(
        version=1,
        lot_id=secrets.lot_id,
        schema="hearth.series/1",
        label=str(claims.get("label", label_for(len(set(domains))))),
        support=str(claims.get("support", "corroborated" if len(domains) > 2 else "plausible")),
        columns=COLUMNS,
        facts=facts,
        roots=roots,
        comparable=speakers,
        certificate=certificate_new(GENESIS, header, validators, votes),
    )  # fmt: skip
    sealed = seal_lot(secrets, manifest_encode(manifest), chunks)
    digest = digest_new(
        secrets,
        sealed,
        manifest,
        voters=int(str(claims.get("voters", len(set(domains))))),
        price=25,
        licence_kind="copy",
        licence=sha256(b"licence"),
        expires_ms=START_MS * 2,
    )
    return World(secrets, rows, roots, manifest, sealed, digest)


def order_of(world: World, r: bytes = R, **changes: object) -> OrderRow:
    """The order that the contract would keep for a funding by r."""
    fund = funding_new(r, world.row, BUYER, LEDGER)
    order = OrderRow(
        order_id_of(fund.lot_id, fund.point), fund.lot_id, BUYER, BUYER_KEY, fund.point, fund.sealed_r,
        fund.price, 1, fund.licence, "FUNDED", 0, 10_000,
    )  # fmt: skip
    return msgspec.structs.replace(order, **changes)


def dishonest(world: World, **changes: tuple[int, bytes]) -> tuple[LotObject, Publish]:
    """An object in which a chunk or a leaf was altered before anchoring, and the digest that commits to it.

    ``chunk``, ``plain_leaves`` or ``key_leaves`` name (index, new value).
    """
    honest = world.lot
    chunks = [honest.chunk(i) for i in range(honest.chunk_count)]
    lists = {name: list(getattr(honest, name)) for name in ("cipher_leaves", "plain_leaves", "key_leaves")}
    for name, (index, value) in changes.items():
        if name == "chunk":
            chunks[index] = value
            lists["cipher_leaves"][index] = leaf_hash(value)
        else:
            lists[name][index] = value
    lot = LotObject(
        honest.chunk_count,
        honest.manifest_bytes,
        honest.chunk_bytes,
        chunk_area=memoryview(b"".join(chunks)),
        **{name: tuple(leaves) for name, leaves in lists.items()},
    )
    digest = msgspec.structs.replace(
        world.digest,
        cipher_root=root(lot.cipher_leaves),
        plain_root=root(lot.plain_leaves),
        key_root=root(lot.key_leaves),
    )
    return lot, digest
