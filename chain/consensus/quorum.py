"""How many voters make a quorum, and what a lot may say of itself for it (protocols.md 1)."""

from __future__ import annotations

from chain.core.finality import domain_count, fault_bound, has_quorum, quorum_size

SELF_ATTESTED = "self-attested"
PAIR_CHECKED = "pair-checked"
MAJORITY_CHECKED = "majority-checked"
BFT_VERIFIED = "bft-verified"
LABELS = (SELF_ATTESTED, PAIR_CHECKED, MAJORITY_CHECKED, BFT_VERIFIED)


def label_for(n: int) -> str:
    """The attestation label of n voters, voters of one failure domain counted as one."""
    return LABELS[min(max(n, 1), len(LABELS)) - 1]


__all__ = [
    "BFT_VERIFIED", "LABELS", "MAJORITY_CHECKED", "PAIR_CHECKED", "SELF_ATTESTED", "domain_count", "fault_bound",
    "has_quorum", "label_for", "quorum_size",
]  # fmt: skip
