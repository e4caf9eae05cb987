"""Why the home role refuses something: one class and one stable code for each reason."""

from __future__ import annotations

from marketplace.common.errors import Conflict, InputError, IntegrityFault, NotAllowed, NotFound, Unavailable


class NoHousehold(NotFound):
    code = "household_missing"
    title = "This account has no home yet"
    hint = "Set the home up first."


class HouseholdExists(Conflict):
    code = "household_exists"
    title = "This account has a home already"


class HouseholdHalted(Conflict):
    code = "household_halted"
    title = "This home's ledger has halted after a fault of its hub"
    hint = "Restore the wallet from its words on a fresh hub."


class WordsNotConfirmed(Conflict):
    code = "words_not_confirmed"
    title = "The wallet's words have not been confirmed"
    hint = "Write the words down and confirm three of them."


class WordsWrong(InputError):
    code = "words_wrong"
    title = "Some of the words are not those of the wallet"
    hint = "Check what you wrote down, and the order."


class WordsOfAnotherWallet(InputError):
    code = "words_of_another_wallet"
    title = "These words belong to another wallet"


class NodeKeyMissing(Unavailable):
    code = "node_key_missing"
    title = "The node's key file is gone, so the home's keys can't be opened"
    hint = "Put the file hub.key back from the backup of the secrets folder."


class NodeKeyDamaged(IntegrityFault):
    code = "node_key_damaged"
    title = "The node's key file does not hold a key"


class DeviceUnknown(NotFound):
    code = "device_unknown"
    title = "This home has no such device"


class DeviceGone(Conflict):
    code = "device_gone"
    title = "The device is no longer part of this home"


class DeviceNotQuarantined(Conflict):
    code = "device_not_quarantined"
    title = "The device is not in quarantine"


class DeviceBusy(Conflict):
    code = "device_busy"
    title = "Another change of this device waits for its block"
    hint = "Wait until the home's devices have voted on it."


class DeviceWaiting(Conflict):
    code = "device_waiting"
    title = "The device waits for the owner's yes"


class DeviceRefused(NotAllowed):
    code = "device_refused"
    title = "The owner has not let this device in"


class InboxFull(NotAllowed):
    code = "inbox_full"
    http_status = 429
    title = "Too many devices wait in this home's inbox"


class PairingCodeWrong(NotAllowed):
    code = "pairing_code_wrong"
    title = "The pairing code is unknown, used up or expired"


class CandidateUnknown(NotFound):
    code = "candidate_unknown"
    title = "No such device waits in the inbox"


class ProposalUnknown(NotFound):
    code = "proposal_unknown"
    title = "There is no such proposal open"


class EvidenceEmpty(InputError):
    code = "evidence_empty"
    title = "The statements do not contradict each other, or were not signed by whom they name"


class NothingToClose(Conflict):
    code = "nothing_to_close"
    title = "No readings wait for a batch"


class NothingToVoid(Conflict):
    code = "nothing_to_void"
    title = "No proposal is open that could be void"


class QuorumNotLost(Conflict):
    code = "quorum_not_lost"
    title = "The devices' quorum has not been out of reach long enough"


class ConsentMissing(Conflict):
    code = "consent_missing"
    title = "The owner has not agreed to the present text on sharing"
    hint = "Read the text and agree to it first."


class LotUnknownHere(NotFound):
    code = "lot_unknown_here"
    title = "This home has no such lot"


class LotNotOnOffer(Conflict):
    code = "lot_not_on_offer"
    title = "The lot is not on offer"


class MarketTokenMissing(Unavailable):
    code = "market_token_missing"
    title = "This home is not registered with the market yet"


class NothingToSweep(Conflict):
    code = "nothing_to_sweep"
    title = "No micro-wallet holds credits that could be moved"


class SweepNotUnderstood(InputError):
    code = "sweep_not_understood"
    title = "Moving credits links the lots behind them"
    hint = "Confirm that you have read the warning."
