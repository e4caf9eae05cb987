"""How the node makes blocks: what it answers, when it makes empty ones, and what it does with what can't go in.

The store and the archive are in memory; socket, frames, pool, engine and client are the real ones.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

from chain.core.codec import encode
from chain.core.errors import BadSignature, NonceUsed, PoolFull, Rejected
from chain.core.types import Header
from chain.crypto.hashing import address_of
from chain.crypto.secp256k1 import public_key
from chain.engine.application import ContractFault
from chain.engine.checkpoints import Tables
from chain.engine.ledger import Ledger
from chain.engine.mempool import Mempool
from chain.engine.proofs import TxProof, proof_make, proof_verify
from chain.engine.replay import verify_chain
from chain.node.archive import Archive
from chain.node.frames import FrameInvalid, NotFinalYet, error_from
from chain.node.server import NodeServer
from chain.node.service import LedgerService, Pace
from chain.node.verify_pool import VerifierAway, VerifyPool
from chain.node.verifying import InlineVerifier, PooledVerifier, Verifier
from chain.rpc import NodeClient
from chain.stores.memory import MemoryStore
from marketplace.common.errors import NotFound
from tests.pure.chain.toy import (
    GENESIS_MS,
    LEDGER,
    NOTES,
    TOY_SET,
    VALIDATOR,
    Lock,
    Nothing,
    Write,
    genesis,
    secret,
    signed,
)


class MemoryArchive(Archive):
    """Finds proofs by reading the blocks; has no index that could lag."""

    def __init__(self, store: MemoryStore) -> None:
        self._blocks = store
        self.indexed = 0

    @property
    def indexed_height(self) -> int:
        return self.indexed

    def index(self) -> int:
        self.indexed = self._blocks.height()
        return 0

    def checkpoint(self, ledger: Ledger, snapshot: tuple[Header, Tables]) -> None:
        ledger.checkpoint_save(snapshot)

    def proof(self, tx_id: bytes) -> TxProof | None:
        for block in self._blocks.blocks():
            with contextlib.suppress(NotFound):
                return proof_make(block, tx_id)
        return None


class Node:
    """A running service over memory, its server on a socket, and a client in threads."""

    def __init__(self, path: Path, *, pace: Pace, pool: Mempool | None, verifier: Verifier) -> None:
        self.store = MemoryStore(LEDGER)
        self.ledger = Ledger(genesis(), TOY_SET, self.store, pool=pool, checkpoint_every=5)
        self.announced: list[tuple[str, int]] = []
        self.path = path
        ticks = count(GENESIS_MS, 100)
        self.service = LedgerService(
            self.ledger,
            VALIDATOR,
            pace=pace,
            archive=MemoryArchive(self.store),
            verifier=verifier,
            disk=ThreadPoolExecutor(1),
            clock_ms=lambda: next(ticks),
            on_block=lambda ledger, height: self.announced.append((ledger, height)),
        )
        self.client = NodeClient(path)

    async def ask(self, call: Callable[..., object], *arguments: object) -> object:
        return await asyncio.to_thread(call, *arguments)


@contextlib.asynccontextmanager
async def running(
    path: Path, *, pace: Pace | None = None, pool: Mempool | None = None, verifier: Verifier | None = None
) -> AsyncIterator[Node]:
    node = Node(path / "n", pace=pace or Pace(0.005, 5.0), pool=pool, verifier=verifier or InlineVerifier())
    server = NodeServer({LEDGER: node.service})
    listener = await asyncio.start_unix_server(server.serve, path=node.path)
    blocks = asyncio.create_task(node.service.run())
    try:
        yield node
    finally:
        node.service.stop()
        await blocks
        node.client.close()
        server.close()
        listener.close()


def raw(sender: int, nonce: int, **more: int) -> bytes:
    return signed(sender, nonce, "write", Write(b"k%d" % sender, b"%d" % nonce), **more)  # type: ignore[arg-type]


@pytest.mark.asyncio
async def test_a_transaction_becomes_final_and_its_proof_holds(tmp_path: Path) -> None:
    async with running(tmp_path) as node:
        proof = await node.ask(node.client.submit_and_wait, raw(1, 0), 5.0, LEDGER)
        assert isinstance(proof, TxProof)
        proof_verify(proof, genesis())
        assert await node.ask(node.client.proof, LEDGER, proof.tx_id) == proof
        assert await node.ask(node.client.head, LEDGER) == proof.header
        assert await node.ask(node.client.genesis, "toy") == genesis(), "a ledger goes by its kind too"
        assert await node.ask(node.client.next_nonce, LEDGER, address_of(public_key(secret(1)))) == 1
        assert node.announced == [(LEDGER, 1)]
    assert verify_chain(node.store, TOY_SET).ok


@pytest.mark.asyncio
async def test_rows_are_read_by_the_name_of_their_table(tmp_path: Path) -> None:
    async with running(tmp_path) as node:
        for sender in (3, 1, 2):
            await node.ask(node.client.submit_and_wait, raw(sender, 0), 5.0, LEDGER)
        note = node.ledger.state.get(NOTES, b"k1")
        assert note is not None
        assert await node.ask(node.client.get, LEDGER, "toy.notes", b"k1") == encode(note)
        assert await node.ask(node.client.get, LEDGER, "toy.notes", b"none") is None
        found = await node.ask(node.client.scan, LEDGER, "toy.notes", b"k1", 10)
        assert [key for key, _ in found] == [b"k2", b"k3"]  # type: ignore[attr-defined]
        assert await node.ask(node.client.scan, LEDGER, "nowhere") == []


@pytest.mark.asyncio
async def test_the_same_transaction_again_is_the_same_and_another_of_its_nonce_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as node:
        first = await node.ask(node.client.submit_and_wait, raw(1, 0), 5.0, LEDGER)
        assert await node.ask(node.client.submit_and_wait, raw(1, 0), 5.0, LEDGER) == first
        with pytest.raises(NonceUsed):
            await node.ask(node.client.submit, signed(1, 0, "write", Write(b"k", b"other")), LEDGER)
        assert node.ledger.height == 1


@pytest.mark.asyncio
async def test_refusals_come_back_as_their_own_classes_and_the_node_goes_on(tmp_path: Path) -> None:
    async with running(tmp_path) as node:
        for data, error in ((b"noise", Rejected), (raw(1, 0)[:-2] + b"xx", BadSignature)):
            with pytest.raises(error):
                await node.ask(node.client.submit, data, LEDGER)
        with pytest.raises(NotFound):
            await node.ask(node.client.head, "no such ledger")
        with pytest.raises(NotFound):
            await node.ask(node.client.proof, LEDGER, bytes(32))
        await node.ask(node.client.submit_and_wait, raw(1, 0), 5.0, LEDGER)


@pytest.mark.asyncio
async def test_a_full_pool_is_a_clear_error(tmp_path: Path) -> None:
    async with running(tmp_path, pace=Pace(30.0, 30.0), pool=Mempool(max_count=2)) as node:
        await node.ask(node.client.submit, raw(1, 0), LEDGER)
        await node.ask(node.client.submit, raw(1, 1), LEDGER)
        with pytest.raises(PoolFull) as full:
            await node.ask(node.client.submit, raw(2, 0), LEDGER)
        assert full.value.hint and full.value.http_status == 503


@pytest.mark.asyncio
async def test_who_does_not_want_to_wait_longer_is_told_that_it_is_not_final(tmp_path: Path) -> None:
    async with running(tmp_path, pace=Pace(30.0, 30.0)) as node:
        with pytest.raises(NotFinalYet):
            await node.ask(node.client.submit_and_wait, raw(1, 0), 0.05, LEDGER)
        assert len(node.ledger.pool) == 1


@pytest.mark.asyncio
async def test_a_call_that_fails_inside_its_contract_is_dropped_and_others_go_on(tmp_path: Path) -> None:
    async with running(tmp_path, pace=Pace(0.05, 5.0)) as node:
        bad = asyncio.create_task(
            asyncio.to_thread(node.client.submit_and_wait, signed(2, 0, "boom", Nothing()), 5.0, LEDGER)
        )
        good = asyncio.create_task(asyncio.to_thread(node.client.submit_and_wait, raw(1, 0), 5.0, LEDGER))
        assert (await good).receipt.code == ""
        with pytest.raises(ContractFault):
            await bad
        assert len(node.ledger.pool) == 0


@pytest.mark.asyncio
async def test_empty_blocks_are_made_while_a_contract_waits_and_only_then(tmp_path: Path) -> None:
    async with running(tmp_path, pace=Pace(0.001, 0.005)) as node:
        lock = signed(1, 0, "lock", Lock(b"k", GENESIS_MS + 1_000))
        await node.ask(node.client.submit_and_wait, lock, 5.0, LEDGER)
        async with asyncio.timeout(5):
            while node.ledger.pending():
                await asyncio.sleep(0)
        height = node.ledger.height
        assert height >= 3
        await node.ask(node.client.submit_and_wait, raw(2, 0), 5.0, LEDGER)
        assert node.ledger.height == height + 1
        assert node.store.checkpoint_heights(), "checkpoints are written on the way"
    assert verify_chain(node.store, TOY_SET).ok


@pytest.mark.asyncio
async def test_many_threads_and_senders_at_once_lose_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as node:

        def send(sender: int) -> None:
            for nonce in range(10):
                node.client.submit_and_wait(raw(sender, nonce), 10.0, LEDGER)

        await asyncio.gather(*(asyncio.to_thread(send, sender) for sender in range(1, 9)))
    report = verify_chain(node.store, TOY_SET)
    assert report.ok and report.transactions == 80


@pytest.mark.asyncio
async def test_verifying_in_other_processes_keeps_the_order_of_a_senders_nonces(tmp_path: Path) -> None:
    pool = VerifyPool(2)
    try:
        async with running(tmp_path, verifier=PooledVerifier(pool)) as node:
            raws = [raw(sender, nonce) for nonce in range(100) for sender in (1, 2, 3)]
            forged = raw(4, 0)[:-1] + bytes([raw(4, 0)[-1] ^ 1])
            answers = await asyncio.gather(
                *(node.service.submit(each) for each in [*raws, forged]), return_exceptions=True
            )
            assert isinstance(answers[-1], BadSignature)
            assert not [answer for answer in answers[:-1] if isinstance(answer, BaseException)]
            await node.service.wait(answers[-2], 5.0)  # type: ignore[arg-type]
    finally:
        pool.close()
    report = verify_chain(node.store, TOY_SET)
    assert report.ok and report.transactions == 300


@pytest.mark.asyncio
async def test_a_verifying_process_that_dies_is_replaced() -> None:
    pool = VerifyPool(1)
    try:
        ledger = Ledger(genesis(), TOY_SET, MemoryStore(LEDGER))
        prepared = [ledger.prepare(raw(sender, 0)) for sender in (1, 2)]
        assert pool.submit(prepared).result() == [True, True]
        worker = pool._free.get()
        worker.kill()
        worker.wait()
        pool._free.put(worker)
        with pytest.raises(VerifierAway):
            pool.submit(prepared).result()
        assert pool.submit(prepared).result() == [True, True]
    finally:
        pool.close()


@pytest.mark.asyncio
async def test_a_frame_that_is_too_large_or_no_request_ends_nothing_but_itself(tmp_path: Path) -> None:
    async with running(tmp_path) as node:
        reader, writer = await asyncio.open_unix_connection(node.path)
        writer.write(b"\xff\xff\xff\xff")
        await writer.drain()
        assert await reader.read() == b""
        writer.close()
        reader, writer = await asyncio.open_unix_connection(node.path)
        writer.write((3).to_bytes(4, "big") + b"abc")
        size = int.from_bytes(await reader.readexactly(4), "big")
        assert FrameInvalid.code.encode() in await reader.readexactly(size)
        writer.close()
        await node.ask(node.client.submit_and_wait, raw(1, 0), 5.0, LEDGER)


def test_errors_come_back_with_their_code_even_if_this_process_has_no_class_for_it() -> None:
    assert type(error_from("pool_full", "full", "wait")) is PoolFull
    unknown = error_from("code_of_the_future", "text", "hint")
    assert (unknown.code, unknown.detail, unknown.hint) == ("code_of_the_future", "text", "hint")
