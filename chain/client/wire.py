"""The JSON of the ledger's REST API, in both directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from chain.client.records import SignedHeader
from chain.core.blocks import genesis_hash, header_hash
from chain.core.codec import decode, encode
from chain.core.errors import Malformed
from chain.core.types import Commit, Genesis, Header, Record


@dataclass(frozen=True, slots=True)
class LedgerEvent:
    """One event of a receipt: ``subjects`` are the ids and addresses that it touches, in no particular order."""

    height: int
    position: int
    tx_id: bytes
    kind: str
    subjects: tuple[bytes, ...]


def genesis_json(genesis: Genesis) -> dict[str, Any]:
    """A genesis for people and, as ``genesis``, its canonical bytes."""
    return {
        "ledger": genesis.ledger,
        "kind": genesis.kind,
        "hash": genesis_hash(genesis).hex(),
        "time_ms": genesis.time_ms,
        "params": dict(genesis.params),
        "roles": {name: key.hex() for name, key in genesis.roles},
        "validators": [key.hex() for key in genesis.validators],
        "genesis": encode(genesis).hex(),
    }


def genesis_parse(told: Any) -> Genesis:
    """Undo ``genesis_json``; raises ``Malformed``."""
    return decode(Genesis, _bytes(told, "genesis"))


def signed_header_json(signed: SignedHeader) -> dict[str, Any]:
    """A header with its votes, for people and as canonical bytes."""
    header = signed.header
    return {
        "ledger": header.ledger,
        "height": header.height,
        "time_ms": header.time_ms,
        "hash": header_hash(header).hex(),
        "previous": header.previous.hex(),
        "header": encode(header).hex(),
        "commit": encode(signed.commit).hex(),
    }


def signed_header_parse(told: Any) -> SignedHeader:
    """Undo ``signed_header_json``; raises ``Malformed``. Says nothing of the votes."""
    return SignedHeader(decode(Header, _bytes(told, "header")), decode(Commit, _bytes(told, "commit")))


def row_json(row: Record) -> dict[str, Any]:
    """A row of the state by its fields, bytes as hexadecimal digits, and as ``row`` its canonical bytes."""
    return {**_plain(row), "row": encode(row).hex()}


def event_json(event: LedgerEvent) -> dict[str, Any]:
    """An event as JSON values."""
    return {
        "height": event.height,
        "position": event.position,
        "tx_id": event.tx_id.hex(),
        "kind": event.kind,
        "subjects": [subject.hex() for subject in event.subjects],
    }


def events_parse(page: Any) -> list[LedgerEvent]:
    """The events of a page; raises ``Malformed``."""
    try:
        return [
            LedgerEvent(
                height=int(told["height"]),
                position=int(told["position"]),
                tx_id=bytes.fromhex(told["tx_id"]),
                kind=str(told["kind"]),
                subjects=tuple(bytes.fromhex(subject) for subject in told["subjects"]),
            )
            for told in page["events"]
        ]
    except (KeyError, TypeError, ValueError) as fault:
        raise Malformed("the market's answer holds no events") from fault


def _bytes(told: Any, name: str) -> bytes:
    try:
        return bytes.fromhex(told[name])
    except (KeyError, TypeError, ValueError) as fault:
        raise Malformed(f"the market's answer has no {name}") from fault


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, msgspec.Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value
