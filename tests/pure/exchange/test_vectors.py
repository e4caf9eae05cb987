"""The bytes of a lot and of a handover are a protocol: these vectors hold every version, and any program, to them."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from chain.contracts.market.ids import commitment_of, fund_digest, order_id_of, preview_indices
from chain.crypto.hashing import sha256
from chain.crypto.lot_format import chunk_key, chunk_salt
from chain.crypto.secp256k1 import point_mul_base, sign
from chain.exchange.handover import buyer_secret, hub_answer
from chain.exchange.lots import LotSecrets, seal_lot
from chain.exchange.rows import Column, batch_root, batch_salt, chunk_count_for, data_chunks, rows_read
from tests.pure.exchange.world import order_of, world_new

VECTORS = Path(__file__).parents[2] / "vectors"


def load(name: str) -> tuple[dict[str, object], dict[str, bytes]]:
    """The vector as it stands, and its hexadecimal values as bytes."""
    values = json.loads((VECTORS / f"{name}.json").read_text())
    texts = {key: value for key, value in values.items() if isinstance(value, str) and key not in ("about", "ledger")}
    return values, {key: bytes.fromhex(value) for key, value in texts.items()}


def test_a_lot_is_sealed_to_the_vectors_bytes():
    values, raw = load("lot")
    secrets = LotSecrets.derive(raw["cloud_secret"], raw["payee_key"])
    assert (secrets.lot_id, secrets.secret, secrets.key) == (raw["lot_id"], raw["s"], raw["K"])
    assert secrets.object_id == raw["object_id"]
    keys = [chunk_key(secrets.key, index) for index in range(3)]
    assert [key.hex() for key in keys] == values["chunk_keys"]
    assert [chunk_salt(key).hex() for key in keys] == values["chunk_salts"]
    columns = tuple(Column(*column) for column in values["columns"])
    rows = [tuple(row) for row in values["rows"]]
    chunks = data_chunks(rows, columns, chunk_count_for(rows, columns))
    assert chunks[0] == raw["plaintext_1"].ljust(values["plaintext_bytes"], b"\0")
    assert rows_read(chunks) == (columns, rows)
    sealed = seal_lot(secrets, raw["manifest"], chunks)
    assert (sealed.cipher_root, sealed.plain_root) == (raw["cipher_root"], raw["plain_root"])
    assert (sealed.key_root, sealed.manifest_hash) == (raw["key_root"], raw["manifest_hash"])
    assert len(sealed.object_bytes) == values["object_bytes"]
    assert sha256(sealed.object_bytes) == raw["object_sha256"]
    assert batch_root(batch_salt(raw["batch_seed"], raw["series_id"]), chunks) == raw["batch_root"]
    assert list(preview_indices(raw["beacon"], secrets.lot_id, 32, 3)) == values["preview_of_3"]


def test_a_key_is_handed_over_with_the_vectors_bytes():
    values, raw = load("handover")
    ledger = str(values["ledger"])
    secrets = LotSecrets.derive(raw["cloud_secret"], raw["payee_key"])
    assert (secrets.point, secrets.hpke_public) == (raw["S"], raw["hpke_public"])
    assert point_mul_base(raw["r"]) == raw["R"]
    assert order_id_of(raw["lot_id"], raw["R"]) == raw["order_id"]
    assert fund_digest(ledger, raw["order_id"], raw["lot_id"], raw["buyer"]) == raw["fund_digest"]
    assert sign(raw["r"], raw["fund_digest"]) == raw["r_signature"]
    order = msgspec.structs.replace(
        order_of(world_new()),
        order_id=raw["order_id"],
        lot_id=raw["lot_id"],
        buyer=raw["buyer"],
        point=raw["R"],
        sealed_r=raw["sealed_r"],
    )
    answer = hub_answer(secrets, order, ledger)
    assert (answer.e, answer.nonce, answer.commitment) == (raw["e"], raw["nonce"], raw["commitment"])
    assert commitment_of(raw["e"], raw["nonce"]) == raw["commitment"]
    assert buyer_secret(raw["e"], raw["r"], raw["S"]) == raw["s"]
