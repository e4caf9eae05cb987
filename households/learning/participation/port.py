"""What a home needs of the world for a job, as ports: both ledgers, the notice board, and its node on the mailbox.

``chain.client`` and ``fedlearn.transport`` have these methods; tests bring ledgers in memory and channels in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from chain.contracts.market.training_rows import PoolRow, TrainingRow
from chain.contracts.peers import PeerRow
from chain.contracts.service_models.rows import JobRow, VersionRow
from chain.core.proofs import TxProof
from chain.core.types import Genesis, Header
from fedlearn.runtime.ports import Incoming, Pins
from fedlearn.transport import Notice
from households.models import Household
from households.services.market_port import Market

CONNECTOR = "households.learning.participation.connect.Connector"


class Trainings(Protocol):
    """Training licences and bonus pools, as the market tells the shared ledger's state."""

    def training_row(self, order_id: bytes) -> TrainingRow: ...

    def pool_row(self, job: bytes) -> PoolRow: ...


class Models(Protocol):
    """The service-model ledger. Proofs, peers, seeds and hashes of blocks are verified; rows are the market's word."""

    @property
    def ledger(self) -> str: ...

    def genesis(self) -> Genesis: ...

    def head(self) -> Header: ...

    def nonce(self, address: bytes) -> int: ...

    def submit_and_wait(self, transaction: bytes) -> TxProof: ...

    def proof(self, tx_id: bytes) -> TxProof: ...

    def job(self, job: bytes) -> JobRow: ...

    def version(self, version: bytes) -> VersionRow: ...

    def peer(self, address: bytes) -> PeerRow: ...

    def job_seed(self, job: bytes) -> bytes | None: ...

    def round_block_after(self, leader: bytes, round_id: bytes, keys_root: bytes) -> bytes | None: ...


class Board(Protocol):
    """The market's notice board for the home's account; see ``fedlearn.transport.BoardClient``."""

    def pseudonym_register(self, key: bytes) -> bytes: ...

    def pseudonym_leave(self, address: bytes) -> None: ...

    def notices(self, *, only_open: bool = True, template: str = "", after: int = 0) -> list[Notice]: ...

    def notice(self, plan_hash: bytes) -> Notice: ...

    def answer(self, plan_hash: bytes, address: bytes, bundle: bytes) -> None: ...

    def withdraw(self, plan_hash: bytes) -> None: ...


class HomeNode(Protocol):
    """The pseudonym's node on the mailbox, open for a moment; a ``Channel`` besides."""

    @property
    def fingerprint(self) -> str:
        """Of the node's identity key, 64 hexadecimal digits."""
        ...

    def bundle(self) -> bytes:
        """The node's public keys, as its library writes them."""
        ...

    def approve(self, peer: str) -> bool:
        """Say yes to this peer's request and no to all others; whether it is a peer now."""
        ...

    def dataset_give(self, name: str, mock: Path, private: Path, summary: str, peer: str) -> None:
        """Make the dataset anew and send its mock to the peer."""
        ...

    def dataset_remove(self, name: str) -> None:
        """Remove the dataset, private part and all; one that is gone is no error."""
        ...

    def job_open(self, job: str, peer: str) -> None:
        """Let the peer take part in a job; doing it again changes nothing."""
        ...

    def send(self, peer: str, path: str, data: bytes) -> None: ...

    def receive(self) -> Iterator[Incoming]: ...

    def ack(self, incoming: Incoming) -> None: ...

    def prune(self, job: str, before_round: int) -> None: ...

    def leave(self, job: str, peer: str) -> None:
        """End it: nothing goes out or comes in any more."""
        ...


@dataclass(frozen=True, slots=True)
class Connection:
    """All of it for one home. ``node`` opens the node of a pseudonym in a folder."""

    market: Market
    trainings: Trainings
    models: Models
    board: Board
    node: Callable[[Path, str, Pins], AbstractContextManager[HomeNode]]


def connection_of(household: Household) -> Connection:
    """The home's connection, by the class that the settings name; registers the home at the market if need be."""
    make = import_string(getattr(settings, "HEARTH_TRAINING_CONNECTOR", CONNECTOR))
    found: Connection = make().connect(household)
    return found
