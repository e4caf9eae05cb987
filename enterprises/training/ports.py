"""What a job needs of the world: the market's board, the mailbox, and the market itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from numpy.typing import NDArray

from enterprises.checkout.models import Enterprise
from enterprises.checkout.ports import BuyerMarket
from fedlearn.runtime.datasets import Mock
from fedlearn.runtime.ports import Incoming, Pins
from fedlearn.transport.board import Answer, Notice


class Board(Protocol):
    """The market's board of notices: ``fedlearn.transport.BoardClient``."""

    def notice_post(self, plan: bytes, purpose: str, device_classes: Sequence[str], closes_at: datetime) -> Notice: ...

    def notice_close(self, plan_hash: bytes) -> Notice: ...

    def answers(self, plan_hash: bytes, after: int = 0) -> list[Answer]: ...


class Post(Protocol):
    """The enterprise's node on the mailbox: ``fedlearn.runtime.nodes.EnterpriseNode``, or one in memory."""

    @property
    def identity(self) -> str: ...

    @property
    def fingerprint(self) -> str: ...

    def request(self, peer: str) -> None: ...

    def refresh(self) -> list[str]: ...

    def approved(self) -> list[str]: ...

    def job_open(self, job: str, peers: Iterable[str]) -> None: ...

    def job_close(self, job: str) -> None: ...

    def send(self, peer: str, path: str, data: bytes) -> None: ...

    def receive(self) -> Iterator[Incoming]: ...

    def ack(self, incoming: Incoming) -> None: ...

    def prune(self, job: str, before_round: int) -> None: ...

    def mocks(self, owner: str | None = None) -> list[Mock]: ...

    def mock_arrays(self, owner: str, name: str) -> dict[str, NDArray[Any]]: ...


@dataclass(frozen=True)
class Desk:
    """Everything outside that the jobs of one enterprise need. ``post(pins)`` opens its node; ``now_ms()`` is the
    wall's clock, for the deadlines of rounds."""

    enterprise: Enterprise
    market: BuyerMarket
    board: Board
    post: Callable[[Pins], AbstractContextManager[Post]]
    now_ms: Callable[[], int]

    @property
    def address(self) -> bytes:
        """The enterprise's address on the ledgers."""
        return bytes.fromhex(self.enterprise.wallet.address)
