"""The manifest of a lot: what its rows are, and who stood by them. Chunk 0, sealed like the rest (docs/adr/0010).

It lies outside ``plain_root``, because it holds the votes over ``plain_root``; the digest carries its salted hash. Its
words come from the catalogue alone: no name of a person, room, device or network has a field here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from chain.consensus.ballot import PlainRoot
from chain.consensus.quorum import LABELS
from chain.contracts.market.rows import Label, Publish, Support, Text
from chain.core.codec import decode, encode
from chain.core.errors import Malformed
from chain.core.types import Hash, PublicKey, Record, Uint
from chain.crypto.hashing import tagged
from chain.exchange.certificate import SUPPORTS, Attestation, QuorumCertificate, certificate_check
from chain.exchange.errors import (
    FactsNotSigned,
    LabelTooHigh,
    ManifestContradicts,
    ManifestMalformed,
    SupportTooHigh,
    VotersTooMany,
)
from chain.exchange.lots import LotSecrets, SealedLot
from chain.exchange.rows import Column

VERSION = 1


class SeriesFacts(Record):
    """What a series is, in the catalogue's words. Times in ms, ``low``, ``high``, ``step`` in the value's fixed point.

    ``model`` is a kind of device (sensor, meter ...), ``noise_steps`` the scale of the local noise in steps, 0 for
    none; ``limits`` says whether the checks ran by the usual limits or by the owner's own.
    """

    device_class: Text
    quantity: Text
    model: Text
    level: Text
    cell: Text
    resolution_s: Uint
    step: Uint
    low: int
    high: int
    noise_steps: Uint
    period_start_ms: Uint
    period_end_ms: Uint
    record_count: Uint
    limits: Literal["default", "own"] = "default"


class SignedFacts(Record):
    """What ``facts_hash`` covers."""

    schema: Text
    columns: tuple[Column, ...]
    facts: SeriesFacts
    comparable: tuple[PublicKey, ...]


class Manifest(Record):
    """Chunk 0. ``comparable`` names the voter that speaks for each registered comparable device but the series' own."""

    version: Literal[1]
    lot_id: Hash
    schema: Text
    label: Label
    support: Support
    columns: tuple[Column, ...]
    facts: SeriesFacts
    roots: PlainRoot
    comparable: tuple[PublicKey, ...]
    certificate: QuorumCertificate


def facts_hash(
    series_id: bytes, schema: str, columns: Sequence[Column], facts: SeriesFacts, comparable: Sequence[bytes]
) -> bytes:
    """The 32 bytes in ``PlainRoot.facts``: what voters sign of a series beside its rows.

    ``comparable`` are the keys as in ``Manifest``. ``series_id`` keeps it from being guessed or compared between lots.
    """
    return tagged("hearth/lot-facts", series_id, encode(SignedFacts(schema, tuple(columns), facts, tuple(comparable))))


def manifest_encode(manifest: Manifest) -> bytes:
    """The canonical bytes, not padded."""
    return encode(manifest)


def manifest_decode(data: bytes) -> Manifest:
    """Undo ``manifest_encode``; raises ``ManifestMalformed``."""
    try:
        return decode(Manifest, data)
    except Malformed:
        raise ManifestMalformed from None


def manifest_check(manifest: Manifest, digest: Publish, lot_id: bytes) -> Attestation:
    """Check that the manifest agrees with the digest and that its certificate carries facts, label, support and voters.

    Says what a home's devices signed, and never that it is true: a home certifies its own devices. Raises
    ``ManifestContradicts``, ``FactsNotSigned``, ``LabelTooHigh``, ``SupportTooHigh``, ``VotersTooMany``, or what
    ``certificate_check`` raises.
    """
    facts = manifest.facts
    said = (
        manifest.lot_id, manifest.schema, manifest.label, manifest.support,
        manifest.roots.plain_root, manifest.roots.batch_root,
        facts.device_class, facts.quantity, facts.cell, facts.resolution_s,
        facts.period_start_ms, facts.period_end_ms, facts.record_count,
    )  # fmt: skip
    anchored = (
        lot_id, digest.schema, digest.label, digest.support, digest.plain_root, digest.batch_root,
        digest.device_class, digest.quantity, digest.cell, digest.resolution_s,
        digest.period_start_ms, digest.period_end_ms, digest.record_count,
    )  # fmt: skip
    if said != anchored:
        raise ManifestContradicts
    signed = facts_hash(
        manifest.roots.series_id, manifest.schema, manifest.columns, manifest.facts, manifest.comparable
    )
    if signed != manifest.roots.facts:
        raise FactsNotSigned
    shown = certificate_check(manifest.certificate, manifest.roots, manifest.comparable)
    if LABELS.index(digest.label) > LABELS.index(shown.label):
        raise LabelTooHigh
    if SUPPORTS.index(digest.support) > SUPPORTS.index(shown.support):
        raise SupportTooHigh
    if digest.voters > shown.voters:
        raise VotersTooMany
    return shown


def digest_new(
    secrets: LotSecrets,
    sealed: SealedLot,
    manifest: Manifest,
    *,
    voters: int,
    price: int,
    licence_kind: Literal["copy", "training"],
    licence: bytes,
    expires_ms: int,
) -> Publish:
    """The arguments of ``market.publish`` for a sealed lot; all that the manifest says too is taken from it."""
    facts = manifest.facts
    return Publish(
        object_id=secrets.object_id,
        key_point=secrets.point,
        hpke_key=secrets.hpke_public,
        cipher_root=sealed.cipher_root,
        plain_root=sealed.plain_root,
        key_root=sealed.key_root,
        manifest_hash=sealed.manifest_hash,
        batch_root=manifest.roots.batch_root,
        chunk_count=sealed.chunk_count,
        record_count=facts.record_count,
        size_bytes=len(sealed.object_bytes),
        schema=manifest.schema,
        device_class=facts.device_class,
        quantity=facts.quantity,
        resolution_s=facts.resolution_s,
        cell=facts.cell,
        period_start_ms=facts.period_start_ms,
        period_end_ms=facts.period_end_ms,
        price=price,
        licence_kind=licence_kind,
        licence=licence,
        label=manifest.label,
        support=manifest.support,
        voters=voters,
        expires_ms=expires_ms,
    )
