from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chain.contracts.devices import device_of_key, judges, may, membership, validators
from chain.contracts.devices.rows import (
    ALL_PERMISSIONS,
    DEVICES,
    HOME_BATCHES,
    SELL,
    TRAIN,
    UPLOAD,
    VOTE,
    BatchLot,
    CloseBatch,
    DeviceRow,
    DoubleVote,
    Join,
    Leave,
    Quarantine,
    Readmit,
    Recover,
    Revoke,
    Rotate,
    SeenVote,
    SetPermissions,
)
from chain.core.blocks import vote_message
from chain.core.codec import encode
from chain.core.transactions import tx_new
from chain.core.types import Record, Transaction
from chain.crypto.hashing import sha256
from chain.crypto.secp256k1 import sign
from tests.pure.chain.contracts.world import HUB, MASTER, OWNER, World, address, key_of, secret_of

DAY_MS = 86_400_000


def join_args(name: str, **fields: Any) -> Join:
    number = int.from_bytes(sha256(name.encode())[:3], "big")
    values = {
        "identity_key": key_of(name),
        "fingerprint": sha256(b"certificate", name.encode()),
        "wallet_account": number,
        "device_class": "thermometer",
        "area": "hall",
        "failure_domain": f"host-{name}",
        "voter": True,
        "bridge": b"",
        "permissions": ALL_PERMISSIONS,
        **fields,
    }
    return Join(**values)


def join(home: World, *names: str, **fields: Any) -> None:
    for name in names:
        home.call(OWNER, "devices.join", join_args(name, **fields))
        home.block()


def row_of(home: World, name: str) -> DeviceRow:
    row = home.state.get(DEVICES, address(name))
    assert row is not None
    return row


def voter_keys(home: World) -> list[bytes]:
    return [validator.key for validator in validators(home.genesis, home.state)]


def tx_of(sender: str, name: str, args: Record) -> Transaction:
    return tx_new(ledger="home-test", sender=key_of(sender), nonce=0, valid_until=9, call=f"devices.{name}", args=args)


def test_the_owner_judges_until_the_first_voter_has_joined(home: World) -> None:
    assert voter_keys(home) == [key_of(OWNER)]
    join(home, "d1", "d2")
    assert voter_keys(home) == [key_of("d1"), key_of("d2")]
    assert [validator.domain for validator in validators(home.genesis, home.state)] == ["host-d1", "host-d2"]


def test_only_the_owner_enrols_revokes_rotates_and_permits(home: World) -> None:
    join(home, "d1")
    calls = {
        "join": join_args("d2"),
        "rotate": Rotate(device=address("d1"), identity_key=key_of("new"), fingerprint=bytes(32)),
        "set_permissions": SetPermissions(device=address("d1"), permissions=0),
        "revoke": Revoke(device=address("d1"), reason="sold"),
        "readmit": Readmit(device=address("d1")),
    }
    for sender in (HUB, "d1"):
        assert {home.code(sender, f"devices.{name}", args) for name, args in calls.items()} == {"not_the_owner"}


def test_a_home_changes_by_one_membership_a_block(home: World) -> None:
    home.call(OWNER, "devices.join", join_args("d1"))
    code = "one_membership_change_a_block"
    assert home.code(OWNER, "devices.join", join_args("d2")) == code
    assert home.code(OWNER, "devices.revoke", Revoke(device=address("d1"), reason="sold")) == code
    assert home.code("d1", "devices.leave", Leave(device=address("d1"))) == code
    home.block()
    assert home.code(OWNER, "devices.join", join_args("d2")) == ""


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"identity_key": key_of("d1")}, "identity_key_used"),
        ({"identity_key": b"\x02" + b"\xff" * 32}, "identity_key_invalid"),
        ({"fingerprint": sha256(b"certificate", b"d1")}, "fingerprint_used"),
        ({"wallet_account": int.from_bytes(sha256(b"d1")[:3], "big")}, "wallet_account_used"),
        ({"bridge": address("nobody"), "voter": False}, "bridge_invalid"),
        ({"bridge": address("d1")}, "bridged_voter"),
    ],
)
def test_what_belongs_to_another_device_is_refused(home: World, fields: dict[str, Any], code: str) -> None:
    join(home, "d1")
    assert home.code(OWNER, "devices.join", join_args("d2", **fields)) == code


def test_a_bridged_device_falls_silent_with_its_bridge(home: World) -> None:
    join(home, "bridge")
    join(home, "plug", voter=False, bridge=address("bridge"))
    assert home.code(OWNER, "devices.join", join_args("x", voter=False, bridge=address("plug"))) == "bridge_invalid"
    assert voter_keys(home) == [key_of("bridge")]
    assert may(home.state, address("plug"), UPLOAD)
    home.call(OWNER, "devices.revoke", Revoke(device=address("bridge"), reason="sold"))
    assert not may(home.state, address("plug"), UPLOAD)


def test_rotation_replaces_key_and_certificate_and_keeps_the_device(home: World) -> None:
    join(home, "d1", "d2")
    args = Rotate(device=address("d1"), identity_key=key_of("d1/2"), fingerprint=sha256(b"new"))
    home.call(OWNER, "devices.rotate", args)
    assert voter_keys(home) == [key_of("d1/2"), key_of("d2")]
    assert device_of_key(home.state, key_of("d1")) is None
    found = device_of_key(home.state, key_of("d1/2"))
    assert found is not None and found.device_id == address("d1")
    home.block()
    back = Rotate(device=address("d1"), identity_key=key_of("d1"), fingerprint=sha256(b"newer"))
    assert home.code(OWNER, "devices.rotate", back) == "identity_key_used"
    assert home.code("d1", "devices.leave", Leave(device=address("d1"))) == "not_the_device"


def test_a_revoked_voter_has_no_vote_and_no_permission_and_never_returns(home: World) -> None:
    join(home, "d1", "d2")
    home.call(OWNER, "devices.revoke", Revoke(device=address("d1"), reason="sold"))
    assert voter_keys(home) == [key_of("d2")]
    assert not may(home.state, address("d1"), SELL)
    home.block()
    assert home.code(OWNER, "devices.readmit", Readmit(device=address("d1"))) == "device_not_quarantined"
    assert home.code(OWNER, "devices.revoke", Revoke(device=address("d1"), reason="again")) == "device_gone"
    assert home.code(OWNER, "devices.join", join_args("d1")) == "identity_key_used"
    assert row_of(home, "d1").reason == "sold"


def test_a_device_leaves_by_its_own_key_or_its_owners(home: World) -> None:
    join(home, "d1", "d2")
    assert home.code("d2", "devices.leave", Leave(device=address("d1"))) == "not_the_device"
    home.call("d1", "devices.leave", Leave(device=address("d1")))
    home.block()
    home.call(OWNER, "devices.leave", Leave(device=address("d2")))
    assert {row_of(home, name).status for name in ("d1", "d2")} == {"LEFT"}
    assert voter_keys(home) == [key_of(OWNER)]


def test_a_device_has_no_vote_on_its_own_removal(home: World) -> None:
    join(home, "d1", "d2", "d3")
    for name, args in (
        ("leave", Leave(device=address("d2"))),
        ("revoke", Revoke(device=address("d2"), reason="lies")),
        ("quarantine", Quarantine(device=address("d2"), reason="lies", evidence=b"")),
    ):
        found = judges(home.genesis, home.state, [tx_of(OWNER, name, args)])
        assert [validator.key for validator in found] == [key_of("d1"), key_of("d3")]


def test_nothing_else_rides_on_the_smaller_set_of_a_removal(home: World) -> None:
    join(home, "d1", "d2", "d3")
    removal = tx_of(OWNER, "revoke", Revoke(device=address("d2"), reason="lies"))
    other = tx_of(HUB, "close_batch", CloseBatch(batch_id=bytes(32), readings_root=bytes(32), lots=()))
    everybody = validators(home.genesis, home.state)
    assert judges(home.genesis, home.state, [removal, other]) == everybody
    assert judges(home.genesis, home.state, [other]) == everybody
    assert judges(home.genesis, home.state, []) == everybody


def test_the_only_voter_still_judges_its_own_removal(home: World) -> None:
    join(home, "d1")
    removal = tx_of(OWNER, "revoke", Revoke(device=address("d1"), reason="lies"))
    assert [v.key for v in judges(home.genesis, home.state, [removal])] == [key_of("d1")]


def test_permissions_are_set_by_the_owner_and_a_vote_is_a_membership_change(home: World) -> None:
    join(home, "d1", "d2")
    home.call(OWNER, "devices.set_permissions", SetPermissions(device=address("d1"), permissions=VOTE | TRAIN))
    home.call(OWNER, "devices.set_permissions", SetPermissions(device=address("d2"), permissions=VOTE | SELL))
    assert may(home.state, address("d1"), TRAIN) and not may(home.state, address("d1"), SELL)
    assert len(voter_keys(home)) == 2
    again = SetPermissions(device=address("d2"), permissions=VOTE | SELL)
    assert home.code(OWNER, "devices.set_permissions", again) == "permissions_unchanged"
    home.call(OWNER, "devices.set_permissions", SetPermissions(device=address("d1"), permissions=TRAIN))
    assert voter_keys(home) == [key_of("d2")]
    off = SetPermissions(device=address("d2"), permissions=SELL)
    assert home.code(OWNER, "devices.set_permissions", off) == "one_membership_change_a_block"


def test_a_device_without_an_agent_never_votes(home: World) -> None:
    join(home, "d1", voter=False)
    assert voter_keys(home) == [key_of(OWNER)]


def test_quarantine_takes_vote_and_permissions_until_the_owner_readmits(home: World) -> None:
    join(home, "d1", "d2")
    args = Quarantine(device=address("d1"), reason="rejected_often", evidence=b"score")
    assert home.code("d2", "devices.quarantine", args) == "not_the_hub"
    home.call(HUB, "devices.quarantine", args)
    assert voter_keys(home) == [key_of("d2")]
    assert not may(home.state, address("d1"), UPLOAD)
    home.block()
    assert home.code(HUB, "devices.quarantine", args) == "device_not_active"
    home.call(OWNER, "devices.readmit", Readmit(device=address("d1")))
    assert sorted(voter_keys(home)) == sorted([key_of("d1"), key_of("d2")])
    assert row_of(home, "d1").reason == ""


def double_vote(voter: str, first: bytes, second: bytes) -> bytes:
    def seen(block_hash: bytes) -> SeenVote:
        digest = vote_message("home-test", 7, 0, bytes(32), block_hash, b"")
        return SeenVote(previous=bytes(32), block_hash=block_hash, extra=b"", signature=sign(secret_of(voter), digest))

    return encode(DoubleVote(voter=key_of(voter), height=7, round=0, first=seen(first), second=seen(second)))


def test_two_votes_of_one_round_are_proof_enough(home: World) -> None:
    join(home, "d1", "d2")
    one, two = sha256(b"1"), sha256(b"2")
    good = double_vote("d1", one, two)
    forged = bytearray(good)
    forged[-1] ^= 1
    for evidence in (b"", double_vote("d1", one, one), double_vote("d2", one, two), bytes(forged)):
        args = Quarantine(device=address("d1"), reason="double_vote", evidence=evidence)
        assert home.code(HUB, "devices.quarantine", args) == "evidence_invalid"
    home.call(HUB, "devices.quarantine", Quarantine(device=address("d1"), reason="double_vote", evidence=good))


def test_the_master_key_recovers_a_home_whose_voters_are_dead(home: World) -> None:
    join(home, "d1", "d2", "d3", "d4")
    args = Recover(voters=(address("d3"), address("d4")))
    home.block(DAY_MS - 1)
    assert home.code(MASTER, "devices.recover", args) == "voters_not_silent"
    home.block(DAY_MS)
    assert home.code(OWNER, "devices.recover", args) == "not_the_master_key"
    home.call(MASTER, "devices.recover", args)
    assert voter_keys(home) == [key_of("d3"), key_of("d4")]
    assert row_of(home, "d1").status == "ACTIVE"
    assert not may(home.state, address("d1"), VOTE) and may(home.state, address("d1"), UPLOAD)
    assert membership(home.state).recovering


def test_recovery_names_fit_devices_only(home: World) -> None:
    join(home, "d1")
    join(home, "mute", voter=False)
    home.block(DAY_MS)
    for voters, code in (
        ((address("mute"),), "voter_unfit"),
        ((address("d1"), address("d1")), "voter_unfit"),
        ((address("nobody"),), "device_unknown"),
    ):
        assert home.code(MASTER, "devices.recover", Recover(voters=voters)) == code


def test_the_block_of_a_recovery_is_judged_by_the_master_key_alone(home: World) -> None:
    join(home, "d1", "d2")
    args = Recover(voters=(address("d1"),))
    found = judges(home.genesis, home.state, [tx_of(MASTER, "recover", args)])
    assert [validator.key for validator in found] == [key_of(MASTER)]
    assert judges(home.genesis, home.state, [tx_of(HUB, "recover", args)]) == validators(home.genesis, home.state)


def batch(*names: str) -> CloseBatch:
    lots = tuple(
        BatchLot(series_id=sha256(name.encode()), device=address(name), plain_root=bytes(32), batch_root=bytes(32))
        for name in names
    )
    return CloseBatch(batch_id=sha256(b"batch"), readings_root=bytes(32), lots=lots)


def test_the_hub_closes_a_batch_once(home: World) -> None:
    join(home, "d1", "d2")
    assert home.code(OWNER, "devices.close_batch", batch("d1")) == "not_the_hub"
    home.call(HUB, "devices.close_batch", batch("d1", "d2"))
    row = home.state.get(HOME_BATCHES, sha256(b"batch"))
    assert row is not None and len(row.lots) == 2
    assert home.code(HUB, "devices.close_batch", batch("d1")) == "batch_known"


def test_a_series_leaves_once_and_only_from_a_device_that_may_upload(home: World) -> None:
    join(home, "d1", "d2")
    assert home.code(HUB, "devices.close_batch", batch("d1", "d1")) == "series_repeated"
    home.call(OWNER, "devices.set_permissions", SetPermissions(device=address("d2"), permissions=VOTE | SELL))
    assert home.code(HUB, "devices.close_batch", batch("d1", "d2")) == "may_not_upload"
    assert home.code(HUB, "devices.close_batch", batch("d1", "stranger")) == "may_not_upload"


def test_labels_recover_when_the_new_voters_have_closed_a_batch(home: World) -> None:
    join(home, "d1", "d2")
    home.block(DAY_MS)
    home.call(MASTER, "devices.recover", Recover(voters=(address("d1"),)))
    home.call(HUB, "devices.close_batch", batch("d1"))
    assert membership(home.state).recovering, "the block of the recovery itself proves nothing"
    home.block()
    home.call(HUB, "devices.close_batch", msgspec.structs.replace(batch("d1"), batch_id=sha256(b"next")))
    assert not membership(home.state).recovering


def test_an_unknown_device_is_said_so(home: World) -> None:
    ghost = address("ghost")
    calls: list[tuple[str, Record]] = [
        ("leave", Leave(device=ghost)),
        ("revoke", Revoke(device=ghost, reason="x")),
        ("readmit", Readmit(device=ghost)),
        ("set_permissions", SetPermissions(device=ghost, permissions=0)),
        ("quarantine", Quarantine(device=ghost, reason="x", evidence=b"")),
        ("rotate", Rotate(device=ghost, identity_key=key_of("n"), fingerprint=bytes(32))),
    ]
    assert {home.code(OWNER, f"devices.{name}", args) for name, args in calls} == {"device_unknown"}
