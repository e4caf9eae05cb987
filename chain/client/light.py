"""A light client: it pins a ledger's genesis and newest header, and believes a receipt only with its proof.

It trusts the validators of the genesis, and whoever those let in: a change of validators is followed by the receipt of
the transaction that made it. What it can't see is a state: balances and rows that a market node tells are hints,
receipts are proofs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from chain.client.pins import PinStore
from chain.client.records import ForkProof, Pin, SignedHeader, ValidatorSpan
from chain.contracts.registry import AddValidator, RemoveValidator
from chain.core.blocks import header_hash, validators_hash
from chain.core.codec import decode, encode
from chain.core.errors import LedgerFault
from chain.core.finality import votes_check
from chain.core.types import Genesis, Header, SignedTransaction
from chain.engine.proofs import TxProof, proof_verify

REMEMBERED_HEADERS: Final = 4096


class GenesisChanged(LedgerFault):
    """The market now tells of another ledger than the one that was pinned."""

    code = "genesis_changed"
    title = "The market's ledger is not the one that was pinned"
    hint = "Tell the market's operator; nothing is bought or sold until the ledger is the old one again."


class NotPinned(LedgerFault):
    """Nothing can be verified before the genesis is known."""

    code = "ledger_not_pinned"
    title = "The ledger's genesis is not known yet"


class ForkFound(LedgerFault):
    """Two final blocks of one height. ``proof`` shows it to anybody."""

    code = "ledger_fork"
    title = "The ledger's validators signed two different blocks of one height"
    hint = "Keep the proof of the fork; receipts of this ledger can't be relied on."

    def __init__(self, proof: ForkProof) -> None:
        super().__init__(f"Two blocks of height {proof.first.header.height}", height=proof.first.header.height)
        self.proof = proof


class HeaderUnlinked(LedgerFault):
    """A block does not follow the one before it that was verified."""

    code = "header_unlinked"
    title = "A block does not follow the block before it"


class ValidatorsUnknown(LedgerFault):
    """The block is signed by validators whose coming was not proven."""

    code = "validators_unknown"
    title = "The block's validators are not those that are known"


class LightClient:
    """Verifies headers and receipts of one ledger against its pin."""

    def __init__(self, pins: PinStore) -> None:
        self._pins = pins
        self._pin: Pin | None = pins.load()
        self._seen: dict[int, SignedHeader] = {}

    @property
    def pin(self) -> Pin:
        """What is believed; raises ``NotPinned`` before the first contact."""
        if self._pin is None:
            raise NotPinned
        return self._pin

    @property
    def pinned(self) -> bool:
        return self._pin is not None

    @property
    def genesis(self) -> Genesis:
        return self.pin.genesis

    def begin(self, genesis: Genesis) -> None:
        """Pin the genesis at the first contact; raises ``GenesisChanged`` if it is another one than was pinned."""
        with self._pins.locked():
            stored = self._pin or self._pins.load()
            if stored is None:
                spans = (ValidatorSpan(from_height=0, validators=genesis.validators),)
                stored = Pin(genesis=genesis, spans=spans)
                self._pins.save(stored)
        if encode(stored.genesis) != encode(genesis):
            raise GenesisChanged
        self._pin = stored

    def header_check(self, signed: SignedHeader) -> Header:
        """Verify a header and remember it.

        Raises what ``votes_check`` raises, ``ValidatorsUnknown``, ``HeaderUnlinked`` or ``ForkFound``.
        """
        header = signed.header
        pin = self.pin
        if header.ledger != pin.genesis.ledger:
            raise LedgerFault("the block is of another ledger", height=header.height)
        validators = pin.validators_at(header.height)
        if header.validators_hash != validators_hash(validators):
            raise ValidatorsUnknown(height=header.height)
        votes_check(validators, header, signed.commit)
        self._compare(signed)
        self._remember(signed)
        return header

    def proof_check(self, proof: TxProof) -> SignedTransaction:
        """Verify a receipt: header, votes and both Merkle paths. Gives the transaction that it proves.

        The call may have been refused: ``proof.receipt.code`` says so. Raises what ``header_check`` and
        ``proof_verify`` raise.
        """
        self.header_check(SignedHeader(proof.header, proof.commit))
        return proof_verify(proof, self.pin.validators_at(proof.header.height))

    def validators_follow(self, proofs: Iterable[TxProof]) -> None:
        """Take over changes of the validators, oldest first, each by the receipt of the transaction that made it."""
        for proof in proofs:
            height = proof.header.height
            if height < self.pin.spans[-1].from_height:
                continue
            tx = self.proof_check(proof).tx
            if proof.receipt.code:
                continue
            keys = self.pin.spans[-1].validators
            if tx.call == "registry.add_validator":
                keys = (*keys, decode(AddValidator, tx.args).key)
            elif tx.call == "registry.remove_validator":
                gone = decode(RemoveValidator, tx.args).key
                keys = tuple(key for key in keys if key != gone)
            span = ValidatorSpan(from_height=height + 1, validators=keys)
            self._keep(msgspec.structs.replace(self.pin, spans=(*self.pin.spans, span)))

    def _compare(self, signed: SignedHeader) -> None:
        """Raise if the header contradicts one that was verified before."""
        height = signed.header.height
        same = self._known(height)
        if same is not None and header_hash(same.header) != header_hash(signed.header):
            fork = ForkProof(same, signed)
            self._pins.save_fork(fork)
            raise ForkFound(fork)
        before, after = self._known(height - 1), self._known(height + 1)
        if before is not None and signed.header.previous != header_hash(before.header):
            raise HeaderUnlinked(height=height)
        if after is not None and after.header.previous != header_hash(signed.header):
            raise HeaderUnlinked(height=height + 1)

    def _known(self, height: int) -> SignedHeader | None:
        newest = self.pin.newest
        if newest is not None and newest.header.height == height:
            return newest
        return self._seen.get(height)

    def _remember(self, signed: SignedHeader) -> None:
        self._seen[signed.header.height] = signed
        while len(self._seen) > REMEMBERED_HEADERS:
            del self._seen[next(iter(self._seen))]
        newest = self.pin.newest
        if newest is None or signed.header.height > newest.header.height:
            self._keep(msgspec.structs.replace(self.pin, newest=signed))

    def _keep(self, pin: Pin) -> None:
        """Save the pin, unless another process has seen further meanwhile: then theirs is the newest header."""
        with self._pins.locked():
            stored = self._pins.load()
            if stored is not None:
                spans = max(stored.spans, pin.spans, key=len)
                pin = Pin(genesis=pin.genesis, spans=spans, newest=_newer(stored.newest, pin.newest))
            if pin != stored:
                self._pins.save(pin)
        self._pin = pin


def _newer(first: SignedHeader | None, second: SignedHeader | None) -> SignedHeader | None:
    if first is None or second is None:
        return first or second
    return first if first.header.height > second.header.height else second
