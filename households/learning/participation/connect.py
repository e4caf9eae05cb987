"""The real world of a home's participation: the market over REST, and Syft's node on the market's mailboxes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from pathlib import Path

from chain.client import ModelsClient
from fedlearn.runtime.nodes import HubNode
from fedlearn.runtime.peers import Verdict
from fedlearn.runtime.ports import Incoming, Pins, Store
from fedlearn.transport import BoardClient
from households.learning.participation.port import Connection, HomeNode
from households.models import HomeWallet, Household
from households.models.base import HOME
from households.services.market import market_of
from households.services.market_http import CLIENTS_KEPT, HttpMarket, models_pins, pool
from households.services.secrets import MARKET_TOKEN, box_open

DATASET_TAGS = ("hearth",)


class SyftNode:
    """``HubNode`` as the services' ``HomeNode``."""

    def __init__(self, node: HubNode) -> None:
        self._node = node

    @property
    def fingerprint(self) -> str:
        return self._node.fingerprint

    def bundle(self) -> bytes:
        public = self._node._peers.keys.get_public_bundle()
        return json.dumps(public, sort_keys=True).encode()

    def approve(self, peer: str) -> bool:
        self._node.answer_requests(lambda asks: Verdict.APPROVE if asks == peer else Verdict.REJECT)
        return peer in self._node.approved()

    def dataset_give(self, name: str, mock: Path, private: Path, summary: str, peer: str) -> None:
        self._node.dataset_create(name, mock=mock, private=private, summary=summary, tags=DATASET_TAGS)
        self._node.dataset_share(name, [peer])
        self._node.dataset_send(name, peer)

    def dataset_remove(self, name: str) -> None:
        self._node.dataset_remove(name)

    def job_open(self, job: str, peer: str) -> None:
        self._node.job_open(job, [peer])

    def send(self, peer: str, path: str, data: bytes) -> None:
        self._node.send(peer, path, data)

    def receive(self) -> Iterator[Incoming]:
        return self._node.receive()

    def ack(self, incoming: Incoming) -> None:
        self._node.ack(incoming)

    def prune(self, job: str, before_round: int) -> None:
        self._node.prune(job, before_round)

    def leave(self, job: str, peer: str) -> None:
        if job:
            self._node.job_close(job)
        self._node.revoke(peer)


def syft_nodes(store_of: Callable[[str], Store]) -> Callable[[Path, str, Pins], AbstractContextManager[HomeNode]]:
    """Opens nodes, each on the store of its pseudonym."""

    @contextmanager
    def opened(folder: Path, identity: str, pins: Pins) -> Iterator[HomeNode]:
        with HubNode.opened(folder, identity, store_of(identity), pins) as node:
            yield SyftNode(node)

    return opened


class Connector:
    """Reaches the market node at ``HEARTH_MARKET_URL``."""

    def connect(self, household: Household) -> Connection:
        """The home's connection, with the token under which its hub is registered."""
        market = market_of(household)
        assert isinstance(market, HttpMarket)
        wallet = HomeWallet.objects.using(HOME).get(pk=household.pk)
        token = box_open(household, MARKET_TOKEN, wallet.market_token).decode()
        board = BoardClient(pool(), token)
        return Connection(
            market=market,
            trainings=market.client,
            models=_models(market),
            board=board,
            node=syft_nodes(board.store),
        )


@lru_cache(maxsize=CLIENTS_KEPT)
def _models(market: HttpMarket) -> ModelsClient:
    """One client of the service-model ledger for each of the market; both live as long as the process."""
    return market.client.models(pins=models_pins())
