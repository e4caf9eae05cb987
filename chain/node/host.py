"""The ledgers of one node side by side: a service for each, one disk thread, one server; they stop together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from chain.node.archive import Archive
from chain.node.beside import Opened, trust_missing
from chain.node.keys import KeyFiles, SecretMissing
from chain.node.server import NodeServer
from chain.node.service import LedgerService, Pace
from chain.node.verifying import Verifier
from chain.stores.sql import SqlStore

log = logging.getLogger("chain.node")


class NodeHost:
    """Runs the ledgers that were opened, the shared one first. Make it with ``begin``."""

    def __init__(self, services: Sequence[LedgerService]) -> None:
        self.services = tuple(services)
        self.server = NodeServer({service.ledger.genesis.ledger: service for service in services})

    @classmethod
    async def begin(
        cls,
        opened: Sequence[Opened],
        *,
        pace: Pace,
        verifier: Verifier,
        disk: Executor,
        clock_ms: Callable[[], int],
        on_block: Callable[[str, int], None],
    ) -> NodeHost:
        """A service for each ledger. ``disk`` is one thread: all writing and index reading happens there."""
        loop = asyncio.get_running_loop()
        services = []
        for each in opened:
            assert isinstance(each.ledger.store, SqlStore)
            services.append(
                LedgerService(
                    each.ledger,
                    each.secret,
                    pace=pace,
                    archive=await loop.run_in_executor(disk, Archive, each.ledger.store),
                    verifier=verifier,
                    disk=disk,
                    clock_ms=clock_ms,
                    on_block=on_block,
                )
            )
        return cls(services)

    @property
    def shared(self) -> LedgerService:
        return self.services[0]

    async def introduce(self, keys: KeyFiles) -> None:
        """Have a shared ledger that was made before the others take their receipts, by the operator's key."""
        for service in self.services[1:]:
            try:
                raw = trust_missing(self.shared.ledger, service.ledger, keys)
            except SecretMissing as missing:
                log.warning("receipts of %s are not taken yet: %s", service.ledger.genesis.ledger, missing.detail)
                continue
            if raw is not None:
                await self.shared.submit(raw)
                log.info("the shared ledger is told of %s", service.ledger.genesis.ledger)

    async def run(self) -> None:
        """Make blocks until ``stop``. If one ledger can't go on, all stop, and its fault is raised."""
        tasks = [asyncio.create_task(service.run()) for service in self.services]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        self.stop()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        for fault in ended:
            if isinstance(fault, BaseException):
                raise fault

    def stop(self) -> None:
        """End ``run`` after the blocks that are being made."""
        for service in self.services:
            service.stop()
