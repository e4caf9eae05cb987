"""How states and labels are said and coloured on pages: one place, so that a word means the same everywhere."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Word:
    """``tone`` is ok, warn, bad, info, new or idle; ``help`` explains a word that a reader may not know."""

    text: str
    tone: str
    help: str = ""
    moving: bool = False


WORDS: dict[str, Word] = {
    # lots
    "ANCHORED": Word("Anchored", "info", "The digest is on the shared ledger; the preview is not open yet.", True),
    "LISTED": Word("For sale", "ok", "The preview was opened and matches the digest."),
    "GONE": Word("Withdrawn", "idle", "No longer for sale; open orders still finish."),
    "DEAD": Word("Dead", "bad", "The preview did not match or came too late; this batch can't be listed again."),
    "BURNT": Word("Burnt", "bad", "Its key was shown to be wrong; open orders were refunded."),
    # orders
    "FUNDED": Word("Paid into escrow", "info", "The ledger holds the money until the key is delivered.", True),
    "COMMITTED": Word("Key promised", "info", "The hub has committed to a key and must deliver it in time.", True),
    "DELIVERED": Word(
        "Key delivered", "new", "The ledger has checked the key; complaints are possible for a while.", True
    ),
    "SETTLED": Word("Settled", "ok", "The reward has gone to the device's micro-wallet."),
    "REFUNDED": Word("Refunded", "warn", "The money is back with the buyer."),
    # uploads
    "COLLECTING": Word("Collecting", "idle"),
    "CLOSED": Word("Closed", "info", "No more readings go into this batch.", True),
    "PROPOSED": Word("Voting", "info", "The home's devices are checking each other's readings.", True),
    "CERTIFIED": Word("Approved", "info", "A quorum of the home's devices has signed this batch.", True),
    "SEALED": Word("Sealed", "info", "Encrypted; nobody can read it without the key.", True),
    "UPLOADED": Word("Uploaded", "info", "In the cloud store, not yet announced.", True),
    "HELD": Word("Held", "warn", "The devices did not agree; nothing leaves."),
    "VOID": Word("Void", "idle"),
    "FAILED": Word("Failed", "bad"),
    "EMPTY": Word("Nothing to send", "idle"),
    # devices
    "ACTIVE": Word("Active", "ok"),
    "ONLINE": Word("Online", "ok"),
    "OFFLINE": Word("Offline", "warn"),
    "SILENT": Word("Silent", "warn", "Connected before, but nothing has come for a while."),
    "PENDING": Word("Waiting", "idle", "", True),
    "QUARANTINED": Word(
        "Quarantined", "bad", "Its readings were rejected repeatedly; they are left out until you say otherwise."
    ),
    "REVOKED": Word("Revoked", "bad"),
    "LEFT": Word("Left", "idle"),
    # verdicts
    "APPROVE": Word("Approved", "ok"),
    "REJECT": Word("Rejected", "bad"),
    "ABSTAIN": Word("Nothing to compare", "idle", "No other device measures this, so nobody could check it."),
    # labels of a batch
    "SELF-ATTESTED": Word("Self-attested", "idle", "One device of this home, checked by itself only."),
    "PAIR-CHECKED": Word("Pair-checked", "info", "Two devices of this home agreed."),
    "MAJORITY-CHECKED": Word("Majority-checked", "info", "Two of three devices of this home agreed."),
    "BFT-VERIFIED": Word("BFT-verified", "ok", "A quorum of four or more devices of this home agreed."),
    "CORROBORATED": Word("Corroborated", "ok", "Other devices that measure the same agree."),
    "PLAUSIBLE": Word("Plausible", "idle", "Within bounds, but nothing else in the home measures the same."),
    # learning at home
    "IN-FORCE": Word("In force", "ok", "Enterprises that fit it may learn inside your home."),
    "EXPIRED": Word("Expired", "idle", "Its time is over; nothing more is learnt under it."),
    "USED-UP": Word("Used up", "warn", "All of its epsilon is spent or set aside."),
    "RULE-REVOKED": Word("Revoked", "idle", "You ended it; nothing more is learnt under it."),
    # advice at home, and orders of services; these are the keys of their rows
    "ASKING": Word("Asking the ledger", "info", "", True),
    "FINDING": Word("Looking for models", "info", "", True),
    "WORKING": Word("Running models", "info", "The models run in your home, on your own readings.", True),
    "RANKING": Word("Comparing offers", "info", "", True),
    "READY": Word("Ready", "ok"),
    "FUNDING": Word("Paying into escrow", "info", "The credits wait on the ledger for the enterprise's answer.", True),
    "ORDERING": Word("Placing the order", "info", "", True),
    "PLACED": Word("Waiting for an answer", "info", "The enterprise confirms or declines.", True),
    "CONFIRMING": Word("Being confirmed", "info", "", True),
    "DECLINING": Word("Being declined", "info", "", True),
    "CONFIRMED": Word("Confirmed", "ok", "The enterprise has taken the order."),
    "COMPLETING": Word("Being completed", "info", "", True),
    "REFUNDING": Word("Credits on their way back", "warn", "", True),
    "COMPLETED": Word("Completed", "ok"),
    "DECLINED": Word("Declined", "warn"),
    "ORDER-WAITS": Word("Waits for your answer", "new"),
    "LEFT-OUT": Word("Left out", "warn", "It is not what the ledger names, or could not be run."),
    "FETCHED": Word("Downloaded and checked", "info", "Its bytes are those that the ledger names.", True),
    "DONE": Word("Run", "ok"),
    # accreditation
    "ACCREDITED": Word("Accredited", "ok"),
    "SUSPENDED": Word("Suspended", "bad"),
    "APPLIED": Word("Waiting for accreditation", "warn", "", True),
}


def word_for(state: str) -> Word:
    """The word for a state of any spelling; an unknown one is said as it is, without colour."""
    known = WORDS.get(str(state).upper().replace("_", "-")) or WORDS.get(str(state).upper())
    return known or Word(str(state).replace("_", " ").replace("-", " ").capitalize(), "idle")
