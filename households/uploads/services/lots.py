"""From a certified series to a lot on offer: seal, upload, anchor, open the preview. One step at a time, each
repeatable.

A step does its outside work first and then moves the row on by a conditional UPDATE under its lease; run twice it
sends the same bytes, since all secrets are derived and signed transactions are kept.
"""

from __future__ import annotations

from typing import Any, Literal

from django.db import transaction
from django.utils import timezone

from chain.contracts.market.ids import preview_indices
from chain.contracts.market.rows import Publish, Unlist
from chain.core.blocks import header_hash
from chain.core.codec import decode, encode
from chain.core.merkle import leaf_hash
from chain.crypto.kdf import hkdf
from chain.crypto.lot_format import chunk_key
from chain.exchange.certificate import QuorumCertificate
from chain.exchange.complaints import preview_keys
from chain.exchange.errors import LotFault
from chain.exchange.lots import LotObject, LotSecrets, SealedLot, seal_lot
from chain.exchange.manifest import Manifest, SeriesFacts, digest_new, manifest_check, manifest_encode
from chain.exchange.rows import Column
from chain.wallets.hd import cloud_secret
from households.consensus.batch import terms_parse
from households.consensus.roots import chunk_rows, lot_facts
from households.errors import LotNotOnOffer
from households.models import HOME, Household, HubOrder, Lot
from households.privacy.levels import SCHEMA, columns_of, rule_decode
from households.services.activity import activity_note, live_notify
from households.services.households import consent_present
from households.services.market_port import Market
from households.services.secrets import operational_of
from households.uploads.services.contents import lot_chunks
from households.uploads.services.resealing import USED_BEFORE, lot_reseal
from households.uploads.services.sending import payee_of, require_done, send_once
from marketplace.common.errors import HearthError
from marketplace.common.licences import TRAINING, by_digest
from marketplace.common.work import advance, wait

KEY_BYTES = 33
BEACON_WAIT_S = 0.5
CONSENT_WAIT_S = 60.0
ORDERS_WAIT_S = 5.0
OPEN_ORDERS = (HubOrder.State.FUNDED, HubOrder.State.COMMITTED, HubOrder.State.DELIVERED)
# Refusals that no other try can mend: the lot is given up, and its object removed.
FINAL_REFUSALS = frozenset(
    {"batch_dead", "batch_on_sale", "expiry_past", "preview_closed",
     "lot_not_anchored", "chunk_count_invalid", "lot_empty", "period_invalid", "price_invalid", "label_invalid"}
)  # fmt: skip


def lot_step(lot: Lot, market: Market) -> None:
    """Do the lot's next step. The caller holds the lease; what is raised is noted on the row and tried again."""
    if lot.state in (Lot.State.CERTIFIED, Lot.State.UPLOADED) and not consent_present(lot.household):
        wait(lot, using=HOME, seconds=CONSENT_WAIT_S, last_error_code="consent_missing")
        return
    step = {
        Lot.State.CERTIFIED: lot_upload,
        Lot.State.UPLOADED: lot_anchor,
        Lot.State.ANCHORED: lot_open_preview,
        Lot.State.LEAVING: lot_unlist,
        Lot.State.GONE: lot_object_remove,
    }[Lot.State(lot.state)]
    step(lot, market)


def lot_upload(lot: Lot, market: Market) -> None:
    """Seal the lot and put the object into the cloud store under its random id."""
    secrets = _secrets(lot)
    sealed, manifest = lot_seal(lot, secrets)
    digest = digest_new(
        secrets,
        sealed,
        manifest,
        voters=lot.batch.voters,
        price=lot.price,
        licence_kind=licence_kind(lot),
        licence=bytes(lot.licence),
        expires_ms=lot.expires_ms,
    )
    try:
        manifest_check(manifest, digest, secrets.lot_id)
    except LotFault as fault:
        # No buyer would take it: the terms or the votes are not what the hub made its manifest of.
        _advance(lot, Lot.State.FAILED, reject_code=fault.code, chunks=b"")
        return
    try:
        market.object_put(
            secrets.object_id, sealed.object_bytes, cell=digest.cell, deletion_secret=_deletion_secret(lot)
        )
    except HearthError as refusal:
        if refusal.code not in USED_BEFORE:
            raise
        lot_reseal(lot, market, refusal.code)
        return
    _advance(
        lot,
        Lot.State.UPLOADED,
        digest=encode(digest),
        record_count=digest.record_count,
        chunk_count=digest.chunk_count,
        size_bytes=digest.size_bytes,
        chunks=b"",
    )


def lot_anchor(lot: Lot, market: Market) -> None:
    """Put the digest on the shared ledger. A lot whose payee was used before is sealed again under a new one; one that
    can't be anchored for another reason is given up and its object removed."""
    proof = send_once(lot, "publish_raw", payee_of(lot, market), "market.publish", decode(Publish, bytes(lot.digest)))
    if proof.receipt.code in USED_BEFORE:
        lot_reseal(lot, market, proof.receipt.code)
        return
    if proof.receipt.code in FINAL_REFUSALS:
        _give_up(lot, market, proof.receipt.code)
        return
    require_done(proof)
    _advance(lot, Lot.State.ANCHORED, anchored_height=proof.header.height)


def lot_open_preview(lot: Lot, market: Market) -> None:
    """Open the chunk keys that the block after the anchor chose; then the lot is on offer."""
    beacon_header = market.header(lot.anchored_height + 1)
    if beacon_header is None:
        wait(lot, using=HOME, seconds=BEACON_WAIT_S)
        return
    count = dict(market.genesis().params)["preview_chunks"]
    indices = preview_indices(header_hash(beacon_header), bytes(lot.lot_id), lot.chunk_count, count)
    args = preview_keys(secrets := _secrets(lot), _key_lists(secrets, lot.chunk_count), indices)
    proof = send_once(lot, "preview_raw", payee_of(lot, market), "market.open_preview", args)
    if proof.receipt.code == "beacon_pending":
        wait(lot, using=HOME, seconds=BEACON_WAIT_S)
        return
    if proof.receipt.code in FINAL_REFUSALS:
        _give_up(lot, market, proof.receipt.code)
        return
    require_done(proof)
    if any(event.kind == "lot.dead" for event in proof.receipt.events):
        _give_up(lot, market, "preview_wrong", state=Lot.State.DEAD)
        return
    _advance(lot, Lot.State.LISTED, listed_at=timezone.now())


def lot_unlist(lot: Lot, market: Market) -> None:
    """Take the lot off the market; open orders finish."""
    proof = send_once(lot, "change_raw", payee_of(lot, market), "market.unlist", Unlist())
    if proof.receipt.code != "lot_not_listed":
        require_done(proof)
    _advance(lot, Lot.State.GONE)


def lot_object_remove(lot: Lot, market: Market) -> None:
    """Remove the object of a lot that is gone, once no order on it is open."""
    if HubOrder.objects.using(HOME).filter(lot=lot, state__in=OPEN_ORDERS).exists():
        wait(lot, using=HOME, seconds=ORDERS_WAIT_S)
        return
    market.object_delete(bytes(lot.object_id), deletion_secret=_deletion_secret(lot))
    advance(lot, using=HOME, object_removed_at=timezone.now())


def licence_kind(lot: Lot) -> Literal["copy", "training"]:
    """What the lot is offered for, by the licence text that it was planned with. Raises ``UnknownText``."""
    return "training" if by_digest(bytes(lot.licence)).kind == TRAINING else "copy"


def lot_seal(lot: Lot, secrets: LotSecrets) -> tuple[SealedLot, Manifest]:
    """The sealed object of a certified lot and its manifest; the same bytes at every call."""
    terms = terms_parse(bytes(lot.batch.terms))
    entry = next(entry for entry in terms.series if entry.series_id == bytes(lot.series_id))
    rule = rule_decode(entry.lot.rule) if entry.lot else None
    if rule is None or entry.lot is None:
        raise LotNotOnOffer("The batch's terms do not share this series")
    chunks = lot_chunks(lot, entry.lot.rule, terms.seed)
    manifest = _manifest(lot, secrets, lot_facts(rule, chunk_rows(chunks), terms), columns_of(rule))
    return seal_lot(secrets, manifest_encode(manifest), chunks), manifest


def _manifest(lot: Lot, secrets: LotSecrets, facts: SeriesFacts, columns: tuple[Column, ...]) -> Manifest:
    certificate = decode(QuorumCertificate, bytes(lot.batch.certificate))
    roots = next(root for root in certificate.plain_roots if root.series_id == bytes(lot.series_id))
    comparable = bytes(lot.comparable)
    return Manifest(
        version=1,
        lot_id=secrets.lot_id,
        schema=SCHEMA,
        label=lot.batch.label,  # type: ignore[arg-type]  # one of the ledger's labels
        support=lot.support,  # type: ignore[arg-type]
        columns=columns,
        facts=facts,
        roots=roots,
        comparable=tuple(comparable[i : i + KEY_BYTES] for i in range(0, len(comparable), KEY_BYTES)),
        certificate=certificate,
    )


def _key_lists(secrets: LotSecrets, chunk_count: int) -> LotObject:
    """Only the list of key leaves, which is all that the preview's paths need."""
    leaves = tuple(leaf_hash(chunk_key(secrets.key, index)) for index in range(chunk_count))
    return LotObject(chunk_count, 0, 0, (), (), leaves, memoryview(b""))


def _give_up(lot: Lot, market: Market, code: str, state: Lot.State = Lot.State.FAILED) -> None:
    """A lot is never listed without its object, and no object stays without its lot."""
    market.object_delete(bytes(lot.object_id), deletion_secret=_deletion_secret(lot))
    _advance(lot, state, reject_code=code)


def _advance(lot: Lot, state: Lot.State, **changes: Any) -> None:
    with transaction.atomic(using=HOME):
        advance(lot, using=HOME, state=state, **changes)
        live_notify(household=lot.household, topic="uploads", data={"lot": str(lot.pk), "state": state.value})
        if state in (Lot.State.LISTED, Lot.State.FAILED, Lot.State.DEAD, Lot.State.GONE):
            activity_note(
                household=lot.household, kind=f"lot.{state.value}", topic="uploads", device=lot.device,
                facts={"lot": str(lot.pk)},
            )  # fmt: skip


def _secrets(lot: Lot) -> LotSecrets:
    return LotSecrets.derive(_cloud(lot.household), bytes(lot.payee_key))


def _deletion_secret(lot: Lot) -> bytes:
    """What deletes the object: derived like all other secrets of the lot, so a restored hub knows it too."""
    return hkdf(_cloud(lot.household), b"hearth/lot-deletion" + bytes(lot.lot_id))


def _cloud(household: Household) -> bytes:
    return cloud_secret(operational_of(household))
