"""The market's ledger node for tests: the real ledger, store, index, server and socket, in a thread of the test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connections

from chain.api import ledger_node
from chain.contracts.credits import Mint
from chain.contracts.registry import Accredit
from chain.core.codec import encode
from chain.core.transactions import tx_new, tx_sign
from chain.core.types import Record
from chain.crypto.hashing import address_of
from chain.crypto.secp256k1 import public_key
from chain.engine.ledger import Ledger
from chain.engine.proofs import TxProof
from chain.node.beside import Opened
from chain.node.host import NodeHost
from chain.node.keys import OPERATOR, TREASURY, KeyFiles
from chain.node.process import clock_ms, ledgers_open
from chain.node.service import Pace
from chain.node.verifying import InlineVerifier
from chain.rpc import SHARED, NodeClient

START_S = 20.0
FAR_MS = 10**15


@dataclass
class MarketNode:
    """A running node, and the operator's keys."""

    ledger: Ledger
    models: Ledger
    keys: KeyFiles
    client: NodeClient
    host: NodeHost

    @property
    def id(self) -> str:
        return self.ledger.genesis.ledger

    def signed(self, secret: bytes, call: str, args: Record, *, nonce: int | None = None, kind: str = SHARED) -> bytes:
        sender = public_key(secret)
        ledger = self.id if kind == SHARED else self.models.genesis.ledger
        number = self.client.next_nonce(ledger, address_of(sender)) if nonce is None else nonce
        tx = tx_new(ledger=ledger, sender=sender, nonce=number, valid_until=10**9, call=call, args=args)
        return encode(tx_sign(tx, secret))

    def send(self, secret: bytes, call: str, args: Record, kind: str = SHARED) -> TxProof:
        return self.client.submit_and_wait(self.signed(secret, call, args, kind=kind), ledger=kind)

    def done(self, secret: bytes, call: str, args: Record, kind: str = SHARED) -> TxProof:
        proof = self.send(secret, call, args, kind)
        assert not proof.receipt.code, proof.receipt.code
        return proof

    def buyer(self, secret: bytes, amount: int) -> None:
        """Accredit an address and give it credits."""
        address = address_of(public_key(secret))
        self.done(self.keys.secret(OPERATOR), "registry.accredit", Accredit(address=address, until_ms=FAR_MS))
        self.done(self.keys.secret(TREASURY), "credits.mint", Mint(to=address, amount=amount))

    def until_indexed(self, kind: str = SHARED) -> None:
        """Wait until the index has the newest block."""
        done = threading.Event()
        while not done.wait(0.01):
            if self.client.info(kind)["indexed"] >= self.client.info(kind)["height"]:
                done.set()


@contextmanager
def market_node(folder: Path, **params: int) -> Iterator[MarketNode]:
    """Start the node in ``folder``; its genesis has the market's parameters, replaced by ``params``.

    Its validators may change, so that clients can be tried following them.
    """
    before = settings.HEARTH_LEDGER_SOCKET, settings.HEARTH_MARKET_PARAMS
    settings.HEARTH_LEDGER_SOCKET = folder / "ledger.sock"
    settings.HEARTH_MARKET_PARAMS = {**before[1], "fixed_validators": 0, **params}
    ledger_node.cache_clear()
    runner = _Runner(folder)
    runner.start()
    try:
        yield runner.wait_ready()
    finally:
        runner.stop()
        ledger_node.cache_clear()
        settings.HEARTH_LEDGER_SOCKET, settings.HEARTH_MARKET_PARAMS = before


class _Runner(threading.Thread):
    def __init__(self, folder: Path) -> None:
        super().__init__(name="market-node", daemon=True)
        self._folder = folder
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._node: MarketNode | None = None
        self._fault: BaseException | None = None

    def wait_ready(self) -> MarketNode:
        assert self._ready.wait(START_S), "the node did not start"
        if self._fault is not None:
            raise self._fault
        assert self._node is not None
        return self._node

    def stop(self) -> None:
        if self._loop is not None and self._node is not None:
            self._node.client.close()
            self._loop.call_soon_threadsafe(self._node.host.stop)
        self.join(START_S)
        assert not self.is_alive()

    def run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as fault:
            self._fault = fault
            self._ready.set()
            raise
        finally:
            connections.close_all()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        disk = ThreadPoolExecutor(1)
        keys = KeyFiles(self._folder, may_create=True)
        opened = await asyncio.to_thread(_opened, keys)
        host = await NodeHost.begin(
            opened,
            pace=Pace(window_s=0.001, empty_s=0.02),
            verifier=InlineVerifier(),
            disk=disk,
            clock_ms=clock_ms,
            on_block=lambda ledger, height: None,
        )
        await host.introduce(keys)
        listener = await asyncio.start_unix_server(host.server.serve, path=self._folder / "ledger.sock")
        client = NodeClient(self._folder / "ledger.sock")
        self._node = MarketNode(opened[0].ledger, opened[1].ledger, keys, client, host)
        self._ready.set()
        try:
            await host.run()
        finally:
            listener.close()
            host.server.close()
            disk.submit(connections.close_all).result()
            disk.shutdown()


def _opened(keys: KeyFiles) -> list[Opened]:
    try:
        return ledgers_open(keys, clock_ms())
    finally:
        connections.close_all()
