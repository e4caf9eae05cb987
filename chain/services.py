"""What the market's operator does on the node's ledgers with the deployment's own keys."""

from __future__ import annotations

import logging

from chain.contracts import SERVICE_MODELS
from chain.contracts.credits import Mint
from chain.contracts.registry import Accredit, Suspend
from chain.contracts.service_models.rows import ShowAccreditation
from chain.core.codec import encode
from chain.core.transactions import tx_new, tx_sign
from chain.core.types import Record
from chain.crypto.hashing import address_of
from chain.crypto.secp256k1 import public_key
from chain.engine.proofs import TxProof
from chain.node.frames import error_from
from chain.node.keys import OPERATOR, TREASURY, key_files
from chain.rpc import SHARED, NodeClient
from marketplace.common.errors import HearthError

log = logging.getLogger("chain.services")
VALID_BLOCKS = 100_000


def credits_mint(*, to: bytes, amount: int, client: NodeClient | None = None) -> TxProof:
    """The treasury makes ``amount`` credits for an address of 20 bytes; raises what the ledger refused with."""
    return _call(TREASURY, "credits.mint", Mint(to=to, amount=amount), client)


def enterprise_accredit(*, address: bytes, until_ms: int, client: NodeClient | None = None) -> TxProof:
    """The operator lets an address buy until a moment of block time; raises what the ledger refused with."""
    proof = _call(OPERATOR, "registry.accredit", Accredit(address=address, until_ms=until_ms), client)
    return _shown(proof, client)


def enterprise_suspend(*, address: bytes, client: NodeClient | None = None) -> TxProof:
    """The operator stops an address from buying; raises what the ledger refused with."""
    return _shown(_call(OPERATOR, "registry.suspend", Suspend(address=address), client), client)


def _shown(proof: TxProof, client: NodeClient | None) -> TxProof:
    """Show the service-model ledger an accreditation or its end. If that fails, anybody can do it later."""
    try:
        _call(OPERATOR, "service_models.accreditation_show", ShowAccreditation(proof), client, SERVICE_MODELS)
    except HearthError as fault:
        log.warning("the service-model ledger was not shown an accreditation: %s", fault.code)
    return proof


def _call(key_name: str, call: str, args: Record, client: NodeClient | None, kind: str = SHARED) -> TxProof:
    """Sign and hand in while nobody else uses the key, since its nonces go one by one; then wait."""
    node, keys = client or NodeClient(), key_files()
    secret = keys.secret(key_name)
    sender, ledger = public_key(secret), node.genesis(kind).ledger
    with keys.alone(key_name):
        head = node.head(ledger)
        tx = tx_new(
            ledger=ledger,
            sender=sender,
            nonce=node.next_nonce(ledger, address_of(sender)),
            valid_until=(head.height if head else 0) + VALID_BLOCKS,
            call=call,
            args=args,
        )
        raw = encode(tx_sign(tx, secret))
        node.submit(raw, ledger)
    proof = node.submit_and_wait(raw, ledger=ledger)
    if proof.receipt.code:
        raise error_from(proof.receipt.code)
    return proof
