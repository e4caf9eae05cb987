"""The cloud store of objects: put (whole or in parts), read by range, delete by who holds the secret.

An object carries no account. Names in the store follow from the random object id, so a retry meets its own leavings.
The row says STORED only after the bytes are in the store, and the bytes go only after the row says DELETING.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import IO

from django.conf import settings
from django.core.files import File
from django.utils import timezone

from enterprises.catalog.models import CatalogLot, ObjectPart, StoredObject
from enterprises.catalog.store import store_steps
from enterprises.errors import (
    DeletionSecretWrong,
    ObjectHashWrong,
    ObjectIdInvalid,
    ObjectRangeWrong,
    ObjectTaken,
    ObjectTooLarge,
    ObjectUnknown,
)
from enterprises.offers.models import ModelObject
from enterprises.offers.shelf import objects_kept
from marketplace.common.errors import InputError

BLOCK = 64 * 1024
HEX_32 = re.compile(r"[0-9a-f]{64}")
KEEPS_OBJECT = ("ANCHORED", "LISTED")


@dataclass(frozen=True)
class Arrival:
    """What an upload announces: the whole object's size and SHA-256, and the offset of the stretch that follows."""

    size_bytes: int
    sha256: str
    deletion_digest: str
    offset: int = 0


def max_bytes() -> int:
    return int(getattr(settings, "HEARTH_OBJECT_MAX_BYTES", 64 * 1024 * 1024))


def name_of(object_id: str) -> str:
    return f"{object_id[:2]}/{object_id}"


def object_put(*, object_id: str, arrival: Arrival, stream: IO[bytes], length: int) -> StoredObject:
    """Take a stretch of an object; when all of it is here, check its hash and store it.

    The same bytes under the same id are accepted any number of times, and a stretch that is here already is skipped.

    Args:
        stream: holds at least ``length`` bytes that belong at ``arrival.offset``.

    Raises:
        ObjectIdInvalid, ObjectTooLarge, ObjectRangeWrong, ObjectTaken, ObjectHashWrong: nothing was stored.
    """
    _arrival_check(object_id, arrival, length)
    row, _ = StoredObject.objects.get_or_create(
        object_id=object_id,
        defaults={
            "size_bytes": arrival.size_bytes,
            "sha256": arrival.sha256,
            "deletion_digest": arrival.deletion_digest,
        },
    )
    if (row.size_bytes, row.sha256) != (arrival.size_bytes, arrival.sha256) or row.state == StoredObject.State.DELETING:
        raise ObjectTaken
    if row.state == StoredObject.State.STORED:
        return row
    with tempfile.TemporaryFile() as spool:
        digest = _spool(stream, spool, length)
        if length == row.size_bytes:
            if digest != row.sha256:
                _forget(row)
                raise ObjectHashWrong
            return _store(row, spool)
        _part_store(row, arrival.offset, spool, length)
    return _assemble(row)


def object_received(object_id: str) -> int:
    """How many bytes from the start are here without a gap, so that an upload can go on from there."""
    row = StoredObject.objects.filter(object_id=object_id).first()
    if row is None:
        raise ObjectUnknown
    if row.state == StoredObject.State.STORED:
        return row.size_bytes
    return _reach(row)


def object_open(object_id: str, start: int = 0, stop: int | None = None) -> tuple[StoredObject, Iterator[bytes]]:
    """The bytes ``start:stop`` of a stored object, in blocks.

    Raises:
        ObjectUnknown: it is not here, or it is being deleted.
        ObjectRangeWrong: the range is empty or begins past the end.
        StoreAway: the store fails, or has lost the object. It is asked before the first byte is given out.
    """
    row = StoredObject.objects.filter(object_id=object_id, state=StoredObject.State.STORED).first()
    if row is None:
        raise ObjectUnknown
    end = row.size_bytes if stop is None else min(stop, row.size_bytes)
    if not 0 <= start < end:
        raise ObjectRangeWrong
    with store_steps() as store:
        held = store.open(name_of(object_id))
        held.seek(start)
    return row, _blocks(held, end - start)


def object_delete(*, object_id: str, secret: str) -> None:
    """Delete an object for whoever shows the secret of its upload; an object that is gone already is no error.

    Raises:
        DeletionSecretWrong: another secret, or none was given at the upload.
    """
    row = StoredObject.objects.filter(object_id=object_id).first()
    if row is None:
        return
    shown = hashlib.sha256(secret.encode()).hexdigest()
    if not row.deletion_digest or not hmac.compare_digest(row.deletion_digest, shown):
        raise DeletionSecretWrong
    object_remove(row)


def object_remove(row: StoredObject) -> None:
    """Take the row out of use, then the bytes, then the row; each step may be repeated."""
    StoredObject.objects.filter(pk=row.pk).update(state=StoredObject.State.DELETING)
    _forget(row)


def objects_sweep(*, orphan_after_s: int | None = None) -> int:
    """Delete what neither a lot nor a model's version needs: orphans past their time, objects of ended lots without
    open orders, half-deleted ones.

    Returns:
        How many objects went.
    """
    after = orphan_after_s if orphan_after_s is not None else int(getattr(settings, "HEARTH_ORPHAN_S", 86_400))
    lots = CatalogLot.objects.values("object_id")
    needed = CatalogLot.objects.filter(status__in=KEEPS_OBJECT).values("object_id")
    busy = CatalogLot.objects.filter(open_orders__gt=0).values("object_id")
    rows = StoredObject.objects
    kept = ModelObject.objects.filter(named=True).values("object_id")
    orphans = rows.filter(created_at__lt=timezone.now() - timedelta(seconds=after)).exclude(object_id__in=lots)
    orphans = orphans.exclude(object_id__in=kept)
    orphans = orphans.exclude(object_id__in=objects_kept(orphans.values_list("object_id", flat=True)))
    doomed = [
        *rows.filter(state=StoredObject.State.DELETING),
        *orphans,
        *rows.filter(state=StoredObject.State.STORED, object_id__in=lots)
        .exclude(object_id__in=needed)
        .exclude(object_id__in=busy),
    ]
    for row in doomed:
        object_remove(row)
    return len(doomed)


def _arrival_check(object_id: str, arrival: Arrival, length: int) -> None:
    if not HEX_32.fullmatch(object_id):
        raise ObjectIdInvalid
    if not HEX_32.fullmatch(arrival.sha256):
        raise InputError("The SHA-256 of the whole object must be announced as 64 hexadecimal digits.")
    if arrival.deletion_digest and not HEX_32.fullmatch(arrival.deletion_digest):
        raise InputError("The digest of the deletion secret must be 64 hexadecimal digits.")
    if arrival.size_bytes > max_bytes():
        raise ObjectTooLarge(f"An object holds at most {max_bytes()} bytes.")
    if length < 1 or arrival.offset < 0 or arrival.offset + length > arrival.size_bytes:
        raise ObjectRangeWrong


def _spool(stream: IO[bytes], spool: IO[bytes], length: int) -> str:
    """Copy exactly ``length`` bytes aside and return their SHA-256, hexadecimal."""
    digest = hashlib.sha256()
    left = length
    while left:
        block = stream.read(min(BLOCK, left))
        if not block:
            raise ObjectRangeWrong("The upload ended before the announced length.")
        digest.update(block)
        spool.write(block)
        left -= len(block)
    spool.seek(0)
    return digest.hexdigest()


def _save(name: str, content: IO[bytes]) -> None:
    """Write ``name``, replacing what a crash left; of two who write the same bytes at once, one copy stays."""
    with store_steps() as store:
        if store.exists(name):
            store.delete(name)
        saved = store.save(name, File(content))
        if saved != name:
            store.delete(saved)


def _store(row: StoredObject, content: IO[bytes]) -> StoredObject:
    _save(name_of(row.object_id), content)
    StoredObject.objects.filter(pk=row.pk, state=StoredObject.State.RECEIVING).update(
        state=StoredObject.State.STORED, stored_at=timezone.now()
    )
    _parts_forget(row)
    row.refresh_from_db()
    return row


def _part_store(row: StoredObject, offset: int, spool: IO[bytes], length: int) -> None:
    name = f"parts/{row.object_id}/{offset}"
    _save(name, spool)
    ObjectPart.objects.update_or_create(stored_object=row, offset=offset, defaults={"size_bytes": length, "name": name})


def _reach(row: StoredObject) -> int:
    reached = 0
    for part in row.parts.order_by("offset"):
        if part.offset > reached:
            break
        reached = max(reached, part.offset + part.size_bytes)
    return reached


def _assemble(row: StoredObject) -> StoredObject:
    """When the parts cover the object: join them, check the hash, store."""
    if _reach(row) < row.size_bytes:
        return row
    digest = hashlib.sha256()
    with tempfile.TemporaryFile() as whole:
        for part in row.parts.order_by("offset"):
            with store_steps() as store, store.open(part.name) as held:
                held.seek(whole.tell() - part.offset)
                while block := held.read(BLOCK):
                    digest.update(block)
                    whole.write(block)
        if digest.hexdigest() != row.sha256:
            _forget(row)
            raise ObjectHashWrong
        whole.seek(0)
        return _store(row, whole)


def _blocks(held: File, left: int) -> Iterator[bytes]:
    with held:
        while left and (block := held.read(min(BLOCK, left))):
            left -= len(block)
            yield block


def _parts_forget(row: StoredObject) -> None:
    for part in list(row.parts.all()):
        with store_steps() as store:
            store.delete(part.name)
        part.delete()


def _forget(row: StoredObject) -> None:
    _parts_forget(row)
    with store_steps() as store:
        store.delete(name_of(row.object_id))
    StoredObject.objects.filter(pk=row.pk).exclude(state=StoredObject.State.STORED).delete()
