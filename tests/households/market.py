"""A market in memory: the real shared ledger with one validator, a block for each transaction, a clock that tests
move."""

from __future__ import annotations

from chain.consensus.validators import vote_sign
from chain.contracts import CONTRACT_SETS, SHARED
from chain.contracts.credits import Mint, balance
from chain.contracts.market.rows import LOTS, ORDERS, LotRow, OrderRow
from chain.contracts.registry import Accredit
from chain.core.codec import encode
from chain.core.errors import NonceUsed
from chain.core.transactions import tx_id_of
from chain.core.types import Genesis, Header, SignedTransaction
from chain.crypto.secp256k1 import public_key
from chain.engine.ledger import Ledger
from chain.engine.proofs import TxProof, proof_make, proof_verify
from chain.stores.memory import MemoryStore
from chain.wallets.hd import Branch
from chain.wallets.signer import Signer
from households.services.market import Connector
from households.services.market_port import EventPage, MarketEvent
from marketplace.common.errors import Conflict, NotFound

VALIDATOR, TREASURY, OPERATOR = (bytes([number]) * 32 for number in (11, 12, 13))
PARAMS = {
    "fee_bps": 250, "max_chunks": 4096, "preview_chunks": 2, "preview_ms": 30_000,
    "t1_deliver_ms": 3_000, "t1_ms": 3_000, "t2_ms": 3_000,
}  # fmt: skip
START_MS = 1_700_000_000_000


class ObjectTaken(Conflict):
    """As the market's store answers."""

    code = "object_taken"


class MemoryMarket:
    """The port's promises, kept by the real engine and contracts."""

    def __init__(self) -> None:
        self._genesis = Genesis(
            ledger="shared-test",
            kind=SHARED,
            time_ms=START_MS,
            validators=(public_key(VALIDATOR),),
            params=tuple(sorted(PARAMS.items())),
            roles=(("operator", public_key(OPERATOR)), ("treasury", public_key(TREASURY))),
        )
        self._ledger = Ledger(self._genesis, CONTRACT_SETS[SHARED], MemoryStore("shared-test"))
        self.now_ms = START_MS
        self.objects: dict[bytes, bytes] = {}
        self.deleted: list[bytes] = []
        self.sent: list[bytes] = []
        self.cells: list[str] = []

    @property
    def ledger(self) -> str:
        return self._genesis.ledger

    def genesis(self) -> Genesis:
        return self._genesis

    def head(self) -> Header:
        if self._ledger.head is None:
            self.tick()
        assert self._ledger.head is not None
        return self._ledger.head

    def height_seen(self) -> int:
        return self._ledger.height

    def header(self, height: int) -> Header | None:
        if self._ledger.height < height:
            self.tick()  # empty blocks come by themselves while a preview is pending
        block = self._ledger.store.block(height)
        return block.header if block else None

    def nonce(self, address: bytes) -> int:
        return self._ledger.next_nonce(address)

    def balance(self, address: bytes) -> int:
        return balance(self._ledger.state, address)

    def submit_and_wait(self, raw: bytes) -> TxProof:
        self.sent.append(raw)
        try:
            return self.proof(tx_id_of(raw))
        except NotFound:
            pass
        prepared = self._ledger.check(raw)
        self._block([prepared])
        return self.proof(tx_id_of(raw))

    def proof(self, tx_id: bytes) -> TxProof:
        for block in self._ledger.store.blocks():
            if tx_id in {receipt.tx_id for receipt in block.receipts}:
                proof = proof_make(block, tx_id)
                proof_verify(proof, self._genesis)
                return proof
        raise NotFound()

    def events(self, after_height: int) -> EventPage:
        found = [
            MarketEvent(block.header.height, receipt.tx_id, event.kind, event.subjects)
            for block in self._ledger.store.blocks(after_height + 1)
            for receipt in block.receipts
            for event in receipt.events
        ]
        return EventPage(tuple(found), self._ledger.height)

    def order(self, order_id: bytes) -> OrderRow:
        row = self._ledger.state.get(ORDERS, order_id)
        if row is None:
            raise NotFound()
        return row

    def lot(self, lot_id: bytes) -> LotRow:
        row = self._ledger.state.get(LOTS, lot_id)
        if row is None:
            raise NotFound()
        return row

    def lot_known(self, lot_id: bytes) -> bool:
        return self._ledger.state.get(LOTS, lot_id) is not None

    def object_put(self, object_id: bytes, data: bytes, *, cell: str, deletion_secret: bytes) -> None:
        if self.objects.get(object_id, data) != data:
            raise ObjectTaken
        self.objects[object_id] = data
        self.cells.append(cell)

    def object_delete(self, object_id: bytes, *, deletion_secret: bytes) -> None:
        self.objects.pop(object_id, None)
        self.deleted.append(object_id)

    def homes_in_cell(self, cell: str) -> int:
        return 3

    # What tests do besides.

    def tick(self, ms: int = 10) -> None:
        """An empty block after so many milliseconds."""
        self.now_ms += ms
        self._block([])

    def call(self, secret: bytes, name: str, args: object) -> TxProof:
        """Sign and send a call of any participant."""
        signer = Signer(secret)
        signed = signer.sign_transaction(self.ledger, self.nonce(signer.address), 10**9, name, args)
        return self.submit_and_wait(encode(signed))

    def buyer(self, secret: bytes, credits: int = 1_000) -> Signer:
        """An accredited buyer with credits."""
        signer = Signer(secret)
        self.call(TREASURY, "credits.mint", Mint(to=signer.address, amount=credits))
        self.call(OPERATOR, "registry.accredit", Accredit(address=signer.address, until_ms=self.now_ms + 10**9))
        return signer

    def _block(self, prepared: list) -> None:
        self.now_ms = max(self.now_ms, self._ledger.time_ms + 1)
        proposal = self._ledger.execute(prepared, self.now_ms, public_key(VALIDATOR))
        self._ledger.commit(proposal, [vote_sign(VALIDATOR, proposal.header)])


class MemoryConnector(Connector):
    """Every hub of a test reaches the same market."""

    market: MemoryMarket

    def connect(self, token: str) -> MemoryMarket:
        return type(self).market

    def register(self, key: Branch) -> str:
        return f"hub_{key.public_key.hex()}"


__all__ = ["MemoryConnector", "MemoryMarket", "NonceUsed", "SignedTransaction"]
