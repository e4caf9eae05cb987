"""Why a device ledger refuses a call."""

from __future__ import annotations

from chain.core.errors import Refused


class DevicesRefused(Refused):
    code = "devices_refused"


class NotTheOwner(DevicesRefused):
    code = "not_the_owner"
    title = "Only the owner of the home may do this"


class NotTheHub(DevicesRefused):
    code = "not_the_hub"
    title = "Only the hub of the home may do this"


class NotTheMasterKey(DevicesRefused):
    code = "not_the_master_key"
    title = "Only the owner's master key may do this"


class NotTheDevice(DevicesRefused):
    code = "not_the_device"
    title = "Only the device itself or the owner may do this"


class DeviceUnknown(DevicesRefused):
    code = "device_unknown"
    title = "The home has no such device"


class DeviceNotActive(DevicesRefused):
    code = "device_not_active"
    title = "The device is not an active member of the home"


class DeviceGone(DevicesRefused):
    code = "device_gone"
    title = "The device has left the home or was revoked"


class DeviceNotQuarantined(DevicesRefused):
    code = "device_not_quarantined"
    title = "The device is not in quarantine"


class IdentityKeyInvalid(DevicesRefused):
    code = "identity_key_invalid"
    title = "The identity key is not a public key"


class IdentityKeyUsed(DevicesRefused):
    code = "identity_key_used"
    title = "The identity key was used before"


class FingerprintUsed(DevicesRefused):
    code = "fingerprint_used"
    title = "The certificate was used before"


class AccountUsed(DevicesRefused):
    code = "wallet_account_used"
    title = "The micro-wallet's account belongs to another device"


class BridgeInvalid(DevicesRefused):
    code = "bridge_invalid"
    title = "The bridge is not an active device that signs for itself"


class BridgedVoter(DevicesRefused):
    code = "bridged_voter"
    title = "A device behind a bridge can't vote"


class OneMembershipChange(DevicesRefused):
    code = "one_membership_change_a_block"
    title = "The membership changed in this block already; send it again for the next one"


class VotersFull(DevicesRefused):
    code = "voters_full"
    title = "The home has as many voters as it may have"


class PermissionsUnchanged(DevicesRefused):
    code = "permissions_unchanged"
    title = "The device has these permissions already"


class EvidenceInvalid(DevicesRefused):
    code = "evidence_invalid"
    title = "The evidence does not prove two votes of the device at one height and round"


class VotersNotSilent(DevicesRefused):
    code = "voters_not_silent"
    title = "The voters have not been silent for long enough"


class VoterUnfit(DevicesRefused):
    code = "voter_unfit"
    title = "A new voter is not an active device that can vote, or is named twice"


class BatchKnown(DevicesRefused):
    code = "batch_known"
    title = "The batch was closed before"


class SeriesRepeated(DevicesRefused):
    code = "series_repeated"
    title = "The batch names a series twice"


class MayNotUpload(DevicesRefused):
    code = "may_not_upload"
    title = "A device of the batch may not upload"
