"""The node's socket: requests in, answers out, several on their way at once, none without a bound."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Any, Final

from chain.core.codec import encode
from chain.engine.proofs import TxProof
from chain.node import frames
from chain.node.frames import LENGTH_BYTES, MAX_FRAME_BYTES, SCAN_LIMIT, FrameInvalid, Reply, frame
from chain.node.service import LedgerService
from marketplace.common.errors import HearthError, NotFound

log = logging.getLogger("chain.node")
REQUESTS_AT_ONCE: Final = 128
"""Requests of one connection that are worked on; further ones stay in the socket, which slows the client down."""
MAX_WAIT_S: Final = 60.0


class NodeServer:
    """Answers requests for the ledgers of a node. A ledger goes by its id or, if it is the only one, by its kind."""

    def __init__(self, services: dict[str, LedgerService]) -> None:
        self._services = dict(services)
        for service in services.values():
            self._services.setdefault(service.ledger.genesis.kind, service)
        self._answers: dict[type, Callable[[LedgerService, Any], Awaitable[Any]]] = {
            frames.Submit: _submit,
            frames.SubmitAndWait: _submit_and_wait,
            frames.Proof: _proof,
            frames.Get: _get,
            frames.Scan: _scan,
            frames.Head: _head,
            frames.GenesisOf: _genesis,
            frames.ValidatorsOf: _validators,
            frames.NextNonce: _next_nonce,
            frames.Info: _info,
        }
        self._connections: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends."""
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        tasks: set[asyncio.Task[None]] = set()
        room = asyncio.Semaphore(REQUESTS_AT_ONCE)
        try:
            while (data := await _read(reader)) is not None:
                await room.acquire()
                answering = asyncio.create_task(self._answer(data, writer))
                tasks.add(answering)
                answering.add_done_callback(tasks.discard)
                answering.add_done_callback(lambda _: room.release())
        except (FrameInvalid, ConnectionError) as fault:
            log.warning("a connection was closed: %s", type(fault).__name__)
        except asyncio.CancelledError:
            log.debug("a connection was closed because the node stops")
        finally:
            self._connections.discard(task)
            for each in tasks:
                each.cancel()
            writer.close()

    def close(self) -> None:
        """End all connections."""
        for task in tuple(self._connections):
            task.cancel()

    async def _answer(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        number = 0
        try:
            request = frames.request_decode(data)
            number = request.number
            service = self._services.get(request.body.ledger)
            if service is None:
                raise NotFound("the node keeps no such ledger")
            value = await self._answers[type(request.body)](service, request.body)
            reply = frame(Reply(number, value))
        except HearthError as error:
            reply = frame(Reply(number, None, frames.refusal_of(error)))
        try:
            writer.write(reply)
            await writer.drain()
        except ConnectionError:
            log.debug("the caller went away before its answer")


async def _read(reader: asyncio.StreamReader) -> bytes | None:
    try:
        size = int.from_bytes(await reader.readexactly(LENGTH_BYTES), "big")
        if size > MAX_FRAME_BYTES:
            raise FrameInvalid(f"a request has at most {MAX_FRAME_BYTES} bytes")
        return await reader.readexactly(size)
    except asyncio.IncompleteReadError:
        return None


async def _submit(service: LedgerService, body: frames.Submit) -> bytes:
    return await service.submit(body.raw)


async def _submit_and_wait(service: LedgerService, body: frames.SubmitAndWait) -> bytes:
    tx_id = await service.submit(body.raw)
    return encode(await service.wait(tx_id, min(MAX_WAIT_S, max(0, body.timeout_ms) / 1000)))


async def _proof(service: LedgerService, body: frames.Proof) -> bytes:
    proof: TxProof | None = await service.find(body.tx_id)
    if proof is None:
        raise NotFound("the ledger has no such transaction")
    return encode(proof)


async def _get(service: LedgerService, body: frames.Get) -> bytes | None:
    return service.ledger.state.raw(body.table, body.key)


async def _scan(service: LedgerService, body: frames.Scan) -> list[tuple[bytes, bytes | None]]:
    state, limit = service.ledger.state, min(max(0, body.limit), SCAN_LIMIT)
    # The smallest key after ``after`` is ``after`` with a zero byte behind it.
    start = b"" if body.after is None else body.after + b"\x00"
    return [(key, state.raw(body.table, key)) for key in islice(state.keys(body.table, start), limit)]


async def _head(service: LedgerService, body: frames.Head) -> bytes | None:
    head = service.ledger.head
    return None if head is None else encode(head)


async def _genesis(service: LedgerService, body: frames.GenesisOf) -> bytes:
    return encode(service.ledger.genesis)


async def _validators(service: LedgerService, body: frames.ValidatorsOf) -> list[bytes]:
    return [encode(validator) for validator in service.ledger.validators]


async def _next_nonce(service: LedgerService, body: frames.NextNonce) -> int:
    return service.ledger.next_nonce(body.address)


async def _info(service: LedgerService, body: frames.Info) -> dict[str, int | str]:
    ledger = service.ledger
    return {
        "ledger": ledger.genesis.ledger,
        "height": ledger.height,
        "waiting": len(ledger.pool),
        "indexed": service.archive.indexed_height,
        "rows": ledger.state.row_count(),
    }
