"""Sealing and opening: an honest lot opens, and every part that can be altered is found, each by its own refusal."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.contracts.market.ids import preview_indices
from chain.core.merkle import leaf_hash, root, verify_path
from chain.crypto.aead import DecryptFailed
from chain.crypto.hashing import sha256
from chain.crypto.lot_format import chunk_key, chunk_open, chunk_seal, lot_id_of
from chain.exchange import errors
from chain.exchange.complaints import complaint_chunk, complaint_key, preview_keys
from chain.exchange.lots import (
    LotObject,
    LotSecrets,
    lists_check,
    lists_end,
    object_check,
    object_parse,
    open_chunks,
    open_lot,
    open_preview,
    seal_lot,
)
from chain.exchange.manifest import manifest_decode
from chain.exchange.rows import chunk_read, rows_read
from tests.pure.exchange.world import CLOUD_SECRET, COLUMNS, PAYEE_KEY, dishonest, rows_of, world_new

WORLD = world_new()
ORDER_ID = sha256(b"order")


def flipped(position: int) -> LotObject:
    data = bytearray(WORLD.sealed.object_bytes)
    data[position] ^= 1
    return object_parse(bytes(data))


def test_an_honest_lot_passes_every_check_and_gives_the_rows():
    object_check(WORLD.lot, WORLD.digest)
    opened = open_lot(WORLD.lot, WORLD.digest, PAYEE_KEY, WORLD.secrets.secret)
    assert rows_read(opened.chunks) == (COLUMNS, WORLD.rows)
    assert manifest_decode(opened.manifest) == WORLD.manifest


def test_the_object_begins_with_the_three_lists():
    data, count = WORLD.sealed.object_bytes, WORLD.sealed.chunk_count
    lists = data[16 : lists_end(count)]
    leaves = [lists[at : at + 32] for at in range(0, len(lists), 32)]
    assert root(leaves[:count]) == WORLD.digest.cipher_root
    assert root(leaves[count : 2 * count - 1]) == WORLD.digest.plain_root
    assert root(leaves[2 * count - 1 :]) == WORLD.digest.key_root


def test_the_lists_can_be_checked_from_the_first_bytes_alone():
    head = object_parse(WORLD.sealed.object_bytes[: lists_end(WORLD.sealed.chunk_count)])
    lists_check(head, WORLD.digest)
    start, end = head.span(5)
    assert WORLD.sealed.object_bytes[start:end] == WORLD.lot.chunk(5)
    with pytest.raises(errors.ObjectMalformed):
        object_check(head, WORLD.digest)


def test_the_same_secret_seals_the_same_object_and_another_secret_another():
    again, other = world_new(), world_new(cloud_secret=sha256(b"else"))
    assert again.sealed == WORLD.sealed and again.digest == WORLD.digest
    assert other.sealed.plain_root != WORLD.sealed.plain_root
    assert LotSecrets.derive(CLOUD_SECRET, PAYEE_KEY) == WORLD.secrets


def test_secrets_do_not_show_in_texts_or_in_the_object():
    for secret in (WORLD.secrets.secret, WORLD.secrets.key, WORLD.secrets.hpke_secret):
        assert secret.hex() not in repr(WORLD.secrets) and repr(secret) not in repr(WORLD.secrets)
        assert secret not in WORLD.sealed.object_bytes


@pytest.mark.parametrize(
    "position, refusal",
    [
        (16 + 3, errors.CipherListWrong),
        (16 + 32 * 32 + 3, errors.PlainListWrong),
        (16 + 32 * 63 + 3, errors.KeyListWrong),
        (lists_end(32) + 9, errors.ChunkAltered),
        (-1, errors.ChunkAltered),
    ],
)
def test_a_byte_altered_in_the_store_is_found_before_paying(position, refusal):
    with pytest.raises(refusal):
        object_check(flipped(position), WORLD.digest)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(WORLD.sealed.object_bytes) - 1))
def test_any_altered_byte_of_the_object_is_found_before_paying(position):
    with pytest.raises(errors.LotFault):
        object_check(flipped(position), WORLD.digest)


@pytest.mark.parametrize("cut", [0, 15, 16, 200, lists_end(32) - 1])
def test_a_cut_off_object_is_malformed(cut):
    with pytest.raises(errors.ObjectMalformed):
        object_parse(WORLD.sealed.object_bytes[:cut])


def test_missing_and_surplus_chunk_bytes_are_malformed():
    for data in (WORLD.sealed.object_bytes[:-1], WORLD.sealed.object_bytes + b"x"):
        with pytest.raises(errors.ObjectMalformed):
            object_check(object_parse(data), WORLD.digest)


def test_another_chunk_count_than_the_digests_is_refused():
    digest = msgspec.structs.replace(WORLD.digest, chunk_count=33)
    with pytest.raises(errors.ChunkCountWrong):
        object_check(WORLD.lot, digest)


def test_a_wrong_secret_is_refused():
    with pytest.raises(errors.SecretWrong):
        open_lot(WORLD.lot, WORLD.digest, PAYEE_KEY, sha256(b"guess"))


def test_a_wrong_key_list_is_proven_to_the_contract():
    wrong = leaf_hash(sha256(b"another key"))
    lot, digest = dishonest(WORLD, key_leaves=(9, wrong))
    object_check(lot, digest)
    with pytest.raises(errors.BadKeyList) as fault:
        open_lot(lot, digest, PAYEE_KEY, WORLD.secrets.secret)
    assert fault.value.index == 9
    evidence = complaint_key(ORDER_ID, lot, WORLD.secrets.secret, 9)
    assert evidence.key_leaf == wrong and evidence.secret == WORLD.secrets.secret
    assert verify_path(wrong, 9, lot.chunk_count, evidence.path, digest.key_root)


@pytest.mark.parametrize("index", [0, 1, 17, 31])
def test_a_chunk_that_does_not_decrypt_is_proven_to_the_contract(index):
    rubbish = sha256(b"rubbish") * (len(WORLD.lot.chunk(index)) // 32 + 1)
    lot, digest = dishonest(WORLD, chunk=(index, rubbish[: len(WORLD.lot.chunk(index))]))
    object_check(lot, digest)
    with pytest.raises(errors.BadChunk) as fault:
        open_lot(lot, digest, PAYEE_KEY, WORLD.secrets.secret)
    evidence = complaint_chunk(ORDER_ID, lot, PAYEE_KEY, WORLD.secrets.secret, fault.value.index)
    assert evidence.index == index and evidence.plain_leaf == b""
    assert verify_path(leaf_hash(evidence.key), index, 32, evidence.key_path, digest.key_root)
    assert verify_path(leaf_hash(evidence.chunk), index, 32, evidence.cipher_path, digest.cipher_root)


def test_a_chunk_that_opens_to_other_rows_is_proven_to_the_contract():
    key = chunk_key(WORLD.secrets.key, 4)
    plaintext = chunk_open(key, WORLD.secrets.lot_id, 4, WORLD.lot.chunk(4))
    other = chunk_seal(key, WORLD.secrets.lot_id, 4, plaintext[:-1] + b"x")
    lot, digest = dishonest(WORLD, chunk=(4, other))
    object_check(lot, digest)
    with pytest.raises(errors.BadChunk):
        open_lot(lot, digest, PAYEE_KEY, WORLD.secrets.secret)
    evidence = complaint_chunk(ORDER_ID, lot, PAYEE_KEY, WORLD.secrets.secret, 4)
    assert verify_path(evidence.plain_leaf, 3, 31, evidence.plain_path, digest.plain_root)


def test_a_manifest_other_than_the_digests_is_a_bad_chunk_zero():
    digest = msgspec.structs.replace(WORLD.digest, manifest_hash=sha256(b"other"))
    with pytest.raises(errors.BadChunk) as fault:
        open_lot(WORLD.lot, digest, PAYEE_KEY, WORLD.secrets.secret)
    assert fault.value.index == 0


def test_opening_streams_chunk_by_chunk():
    stream = open_chunks(WORLD.lot, WORLD.digest, PAYEE_KEY, WORLD.secrets.secret)
    next(stream)
    assert chunk_read(next(stream)).rows == tuple(WORLD.rows[:6])


def test_the_preview_shows_the_chosen_chunks_with_proven_keys():
    chosen = preview_indices(sha256(b"beacon"), WORLD.secrets.lot_id, 32, 3)
    opened = preview_keys(WORLD.secrets, WORLD.lot, chosen)
    for entry in opened.keys:
        assert verify_path(leaf_hash(entry.key), entry.index, 32, entry.path, WORLD.digest.key_root)
    found = open_preview(WORLD.lot, WORLD.digest, PAYEE_KEY, [(entry.index, entry.key) for entry in opened.keys])
    assert tuple(index for index, _ in found) == chosen
    assert all(set(chunk_read(text).rows) <= set(WORLD.rows) for _, text in found)


@pytest.mark.parametrize("index, key", [(3, sha256(b"no key")), (0, None), (32, None)])
def test_a_preview_with_a_wrong_key_or_place_is_refused(index, key):
    with pytest.raises(errors.PreviewKeyWrong):
        open_preview(WORLD.lot, WORLD.digest, PAYEE_KEY, [(index, key or chunk_key(WORLD.secrets.key, index))])


def test_a_preview_key_opens_no_other_chunk():
    key = chunk_key(WORLD.secrets.key, 3)
    with pytest.raises(DecryptFailed):
        chunk_open(key, lot_id_of(PAYEE_KEY), 4, WORLD.lot.chunk(4))


@pytest.mark.parametrize("change", ["few", "uneven", "long"])
def test_chunks_that_are_no_lot_are_not_sealed(change):
    chunks = {"few": [b"x" * 1024] * 30, "uneven": [b"x" * 1024] * 30 + [b"x"], "long": [b"x" * 70_000] * 31}[change]
    with pytest.raises(errors.ChunksInvalid):
        seal_lot(WORLD.secrets, b"manifest", chunks)
    with pytest.raises(errors.ManifestTooLarge):
        seal_lot(WORLD.secrets, b"m" * 70_000, [b"x" * 1024] * 31)


def test_a_large_lot_has_more_chunks_and_opens():
    world = world_new(row_count=120_000)
    assert world.sealed.chunk_count > 32
    object_check(world.lot, world.digest)
    opened = open_lot(world.lot, world.digest, PAYEE_KEY, world.secrets.secret)
    assert rows_read(opened.chunks)[1] == rows_of(120_000)
