"""The contract of a home's device ledger: members, permissions, and the batches that may leave (protocols.md 1)."""

from __future__ import annotations

from chain.contracts.devices import batches, members, recovery, rows
from chain.contracts.devices.members import device_of_key, is_voter, may, membership
from chain.contracts.devices.recovery import judges, validators
from chain.core.contract import Call, Contract

DEVICES_CONTRACT = Contract(
    name="devices",
    calls={
        "join": Call(rows.Join, members.join),
        "rotate": Call(rows.Rotate, members.rotate),
        "set_permissions": Call(rows.SetPermissions, members.set_permissions),
        "leave": Call(rows.Leave, members.leave),
        "revoke": Call(rows.Revoke, members.revoke),
        "quarantine": Call(rows.Quarantine, members.quarantine),
        "readmit": Call(rows.Readmit, members.readmit),
        "recover": Call(rows.Recover, recovery.recover),
        "close_batch": Call(rows.CloseBatch, batches.close_batch),
    },
    begin_block=recovery.begin_block,
)

__all__ = ["DEVICES_CONTRACT", "device_of_key", "is_voter", "judges", "may", "membership", "validators"]
