"""Signed headers and receipts of a small shared ledger with any number of validators, for light clients."""

from __future__ import annotations

from chain.client.records import SignedHeader
from chain.contracts import CONTRACT_SETS
from chain.core.blocks import header_hash, vote_message
from chain.core.codec import encode
from chain.core.finality import commit_of
from chain.core.transactions import tx_new, tx_sign
from chain.core.types import Block, Genesis, Header, Record, Vote
from chain.crypto.hashing import address_of
from chain.crypto.secp256k1 import public_key, sign
from chain.engine.ledger import Ledger
from chain.engine.proofs import TxProof, proof_make
from chain.stores.memory import MemoryStore
from tests.pure.chain.contracts.world import OPERATOR, TREASURY, key_of, secret_of, shared_genesis


class ClientLedger:
    """A ledger whose validators' secrets are known by name, so that tests can also sign what should not be."""

    def __init__(self, genesis: Genesis | None = None) -> None:
        self.genesis = genesis or shared_genesis()
        self.ledger = Ledger(self.genesis, CONTRACT_SETS[self.genesis.kind], MemoryStore(self.genesis.ledger))
        self.voters = ["validator"]

    def block(self, *calls: tuple[str, str, Record]) -> Block:
        """Make a block of calls ``(sender's name, call, arguments)``."""
        for sender, call, args in calls:
            self.ledger.submit(self.signed(sender, call, args))
        taken = self.ledger.pool.take(self.ledger.state, self.ledger.height + 1, 100)
        proposal = self.ledger.execute(taken.transactions, self.ledger.time_ms + 1, key_of(self.voters[0]))
        votes = [vote(name, proposal.header) for name in self.voters]
        return self.ledger.commit(proposal, votes)

    def signed(self, sender: str, call: str, args: Record) -> bytes:
        secret = secret_of(sender)
        nonce = self.ledger.next_nonce(address_of(public_key(secret)))
        tx = tx_new(
            ledger=self.genesis.ledger, sender=public_key(secret), nonce=nonce, valid_until=10**6, call=call, args=args
        )
        return encode(tx_sign(tx, secret))

    def proof(self, sender: str, call: str, args: Record) -> TxProof:
        """A block with one call, and the call's proof."""
        block = self.block((sender, call, args))
        return proof_make(block, block.receipts[0].tx_id)


def vote(name: str, header: Header) -> Vote:
    digest = vote_message(header.ledger, header.height, 0, header.previous, header_hash(header), b"")
    return Vote(validator=key_of(name), round=0, extra=b"", signature=sign(secret_of(name), digest))


def signed_header(header: Header, *names: str) -> SignedHeader:
    return SignedHeader(header, commit_of([vote(name, header) for name in names or ("validator",)]))


def head_of(block: Block) -> SignedHeader:
    return SignedHeader(block.header, block.commit)


__all__ = ["OPERATOR", "TREASURY", "ClientLedger", "head_of", "signed_header", "vote"]
