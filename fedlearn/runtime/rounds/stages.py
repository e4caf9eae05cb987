"""The names of a round's messages, and what their senders need of the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from marketplace.common.errors import Unavailable

# From the coordinator to a hub.
ROSTER = "roster"
INBOX = "inbox"
SURVIVORS = "survivors"
PROOF = "proof"

# From a hub to the coordinator.
ADVERT = "advert"
SHARES = "shares"
MASKED = "masked"
VOTE = "vote"
UNMASK = "unmask"


class LedgerBehind(Unavailable):
    """The ledger that this side reads has not come to the block that the graph is drawn from; the step comes again."""

    code = "round_ledger_behind"
    title = "The block from which the round draws its graph is not there yet"


class Beacon(Protocol):
    """The ledger, as far as a round needs it: nobody, the coordinator least of all, chooses who is whose neighbour."""

    def keys_commit(self, round_id: bytes, keys_root: bytes) -> None:
        """Put the root of the members' keys on the ledger. Doing it again changes nothing."""
        ...

    def block_after(self, round_id: bytes, keys_root: bytes) -> bytes | None:
        """The hash of the first block after the one that holds this root for this round; None if there is none yet."""
        ...


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message of the coordinator to the hub with this index in the cohort."""

    index: int
    stage: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """A hub's answer to the coordinator."""

    stage: str
    data: bytes
