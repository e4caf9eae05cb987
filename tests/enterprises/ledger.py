"""The shared ledger in process: the real engine over a store in memory, with a clock that the test turns."""

from __future__ import annotations

from collections.abc import Iterator

from chain.consensus.validators import vote_sign
from chain.contracts import CONTRACT_SETS
from chain.contracts.credits import Mint, balance
from chain.contracts.market.rows import LOTS, ORDERS, LotRow, OrderRow
from chain.contracts.market.terms import DEFAULTS
from chain.contracts.registry import Accredit, Suspend
from chain.core.codec import encode
from chain.core.types import Genesis, Header, Record
from chain.crypto.hashing import tagged
from chain.engine.application import Prepared
from chain.engine.ledger import Ledger
from chain.engine.proofs import BlockProofs, TxProof
from chain.stores.memory import MemoryStore
from chain.wallets.signer import Signer
from enterprises.catalog.ports import LedgerEvent

T0 = 1_800_000_000_000
PARAMS = {"t1_ms": 3000, "t1_deliver_ms": 3000, "t2_ms": 3000, "preview_ms": 3000, "preview_chunks": 2, "fee_bps": 250}


def signer_of(name: str) -> Signer:
    return Signer(tagged("test/secret", name.encode()))


class SharedLedger:
    """One block for each transaction. Implements ``LotSource`` and ``OperatorLedger``."""

    ledger = "shared-test"

    def __init__(self) -> None:
        self.validator, self.operator, self.treasury = map(signer_of, ("validator", "operator", "treasury"))
        genesis = Genesis(
            ledger=self.ledger,
            kind="shared",
            time_ms=T0,
            validators=(self.validator.public_key,),
            params=tuple(sorted(PARAMS.items())),
            roles=(("operator", self.operator.public_key), ("treasury", self.treasury.public_key)),
        )
        self.engine = Ledger(genesis, CONTRACT_SETS["shared"], MemoryStore(self.ledger))
        self.proofs: dict[bytes, TxProof] = {}
        self.params = {**DEFAULTS, **PARAMS}
        self.turn(1)

    def submit(self, raw: bytes) -> TxProof:
        """Take a transaction into a block of its own; one that is final already gives its proof again."""
        prepared = self.engine.prepare(raw)
        if prepared.tx_id not in self.proofs:
            self.engine.submit(raw)
            self._block(10, [prepared])
        return self.proofs[prepared.tx_id]

    def call(self, signer: Signer, call: str, args: Record) -> TxProof:
        """Sign and submit a call; raises nothing if it is refused: look at the receipt."""
        nonce = self.engine.next_nonce(signer.address)
        tx = signer.sign_transaction(self.ledger, nonce, self.engine.height + 100, call, args)
        return self.submit(encode(tx))

    def turn(self, milliseconds: int) -> None:
        """Let block time pass: an empty block that much later."""
        self._block(milliseconds, [])

    def accredit(self, address: bytes, until_ms: int) -> None:
        assert not self.call(self.operator, "registry.accredit", Accredit(address, until_ms)).receipt.code

    def suspend(self, address: bytes) -> None:
        assert not self.call(self.operator, "registry.suspend", Suspend(address)).receipt.code

    def mint(self, address: bytes, amount: int) -> bytes:
        return self.call(self.treasury, "credits.mint", Mint(address, amount)).tx_id

    def mints(self, address: bytes, amount: int, after_height: int) -> list[bytes]:
        wanted = encode(Mint(address, amount))
        proofs = [proof for proof in self.proofs.values() if proof.header.height > after_height]
        return [proof.tx_id for proof in proofs if proof.signed.tx.args == wanted and not proof.receipt.code]

    def balance(self, address: bytes) -> int:
        return balance(self.engine.state, address)

    def head(self) -> Header:
        assert self.engine.head is not None
        return self.engine.head

    def height(self) -> int:
        return self.engine.height

    def events(self, after_height: int, up_to_height: int) -> Iterator[LedgerEvent]:
        for block in self.engine.store.blocks(after_height + 1):
            if block.header.height > up_to_height:
                return
            for receipt in block.receipts:
                for event in receipt.events:
                    yield LedgerEvent(block.header.height, receipt.tx_id, event.kind, event.subjects)

    def lot(self, lot_id: bytes) -> LotRow | None:
        return self.engine.state.get(LOTS, lot_id)

    def lots(self) -> Iterator[LotRow]:
        return (row for _, row in self.engine.state.scan(LOTS))

    def orders(self) -> list[OrderRow]:
        return [row for _, row in self.engine.state.scan(ORDERS)]

    def _block(self, milliseconds: int, transactions: list[Prepared]) -> None:
        proposal = self.engine.execute(transactions, self.engine.time_ms + milliseconds, self.validator.public_key)
        block = self.engine.commit(proposal, [vote_sign(self.validator.secret, proposal.header)])
        proofs = BlockProofs(block)
        self.proofs |= {receipt.tx_id: proofs.proof(receipt.tx_id) for receipt in block.receipts}
