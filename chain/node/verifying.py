"""Signature checks for the event loop: at once, or gathered and sent to other processes in their order."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Final, Protocol

from chain.crypto import secp256k1
from chain.engine.application import Prepared
from chain.node.verify_pool import VerifierAway, VerifyPool

BATCH: Final = 64


class Verifier(Protocol):
    """Says whether a transaction's signature holds; answers in the order of the calls."""

    async def valid(self, prepared: Prepared) -> bool: ...


class InlineVerifier:
    """Checks in the event loop's own thread, 30 microseconds each."""

    async def valid(self, prepared: Prepared) -> bool:
        return secp256k1.verify(prepared.signed.tx.sender, prepared.tx_id, prepared.signed.signature)


class PooledVerifier:
    """Gathers what arrives while the workers are busy, and hands it to them in batches.

    Answers are given in the order of arrival, so that a sender's nonces do not overtake each other.
    """

    def __init__(self, pool: VerifyPool) -> None:
        self._pool = pool
        self._queue: list[tuple[Prepared, asyncio.Future[bool]]] = []
        self._task: asyncio.Task[None] | None = None

    async def valid(self, prepared: Prepared) -> bool:
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queue.append((prepared, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain())
        return await future

    async def _drain(self) -> None:
        while self._queue:
            taken = self._queue[: BATCH * self._pool.processes]
            del self._queue[: len(taken)]
            parts = [taken[at : at + BATCH] for at in range(0, len(taken), BATCH)]
            futures = [self._pool.submit([prepared for prepared, _ in part]) for part in parts]
            for part, answers in zip(parts, futures, strict=True):
                await _settle(part, answers)


async def _settle(part: list[tuple[Prepared, asyncio.Future[bool]]], answers: Future[list[bool]]) -> None:
    try:
        found = await asyncio.wrap_future(answers)
    except VerifierAway as fault:
        for _, future in part:
            if not future.done():
                future.set_exception(fault)
        return
    for (_, future), valid in zip(part, found, strict=True):
        if not future.done():
            future.set_result(valid)
