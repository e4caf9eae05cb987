"""How the ledgers beside the shared one begin: their genesis from the shared ledger's, when the node first starts.

Each ledger's id follows from the shared ledger's, so that a deployment made before has the same one as a new one, and
the shared ledger's genesis can name it before it is there.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from chain.contracts import CONTRACT_SETS
from chain.contracts.crossing import SERVICE_MODELS
from chain.contracts.ledgers import Trust, trusted, trusted_roles
from chain.core.codec import encode
from chain.core.transactions import tx_new, tx_sign
from chain.core.types import Genesis
from chain.crypto.hashing import address_of, tagged
from chain.crypto.secp256k1 import public_key
from chain.engine.ledger import Ledger
from chain.engine.mempool import POOL_SIZE, Mempool
from chain.node.keys import OPERATOR, VALIDATOR, KeyFiles, SecretUnusable
from chain.stores.sql import SqlStore

BESIDE = (SERVICE_MODELS,)
"""The kinds of ledgers that the node keeps beside the shared one."""
ID_BYTES = 6
TRUST_VALID_BLOCKS = 1_000


@dataclass(frozen=True, slots=True)
class Opened:
    """A ledger of the node, and the secret with which its blocks are signed."""

    ledger: Ledger
    secret: bytes


def ledger_beside_id(shared_id: str, kind: str) -> str:
    """The id of the ledger of a kind that belongs to a shared ledger."""
    return f"{kind}-{tagged('hearth/ledger-beside', kind.encode(), b'|', shared_id.encode())[:ID_BYTES].hex()}"


def ledgers_beside_open(shared: Ledger, keys: KeyFiles, alias: str, now_ms: int) -> list[Opened]:
    """Open the ledgers beside the shared one, and begin those that the database does not have.

    Raises ``SecretMissing``, ``SecretUnusable`` or ``LedgerFault``.
    """
    return [_open(shared, kind, keys, alias, now_ms) for kind in BESIDE]


def trust_missing(shared: Ledger, beside: Ledger, keys: KeyFiles) -> bytes | None:
    """The operator's transaction that has the shared ledger take the other one's receipts; None if it does already.

    Only a shared ledger that was made before the other kind was there needs it. Raises ``SecretMissing``.
    """
    if trusted(shared.state, beside.genesis.kind) is not None:
        return None
    secret = keys.secret(OPERATOR)
    sender = public_key(secret)
    tx = tx_new(
        ledger=shared.genesis.ledger,
        sender=sender,
        nonce=shared.next_nonce(address_of(sender)),
        valid_until=shared.height + TRUST_VALID_BLOCKS,
        call="ledgers.trust",
        args=Trust(ledger=beside.genesis.ledger, validators=tuple(each.key for each in beside.validators)),
    )
    return encode(tx_sign(tx, secret))


def trusted_from_genesis(shared_id: str, validator: bytes) -> tuple[tuple[str, bytes], ...]:
    """Roles for a new shared ledger that has the ledgers beside it trusted from its beginning."""
    return tuple(role for kind in BESIDE for role in trusted_roles(ledger_beside_id(shared_id, kind), (validator,)))


def _open(shared: Ledger, kind: str, keys: KeyFiles, alias: str, now_ms: int) -> Opened:
    secret = keys.secret(VALIDATOR)
    store = SqlStore(ledger_beside_id(shared.genesis.ledger, kind), alias)
    genesis = store.genesis() or _genesis_new(shared, store.ledger, kind, secret, now_ms)
    pool = Mempool(int(getattr(settings, "HEARTH_POOL_SIZE", POOL_SIZE)))
    ledger = Ledger(genesis, CONTRACT_SETS[kind], store, pool=pool)
    if public_key(secret) not in {each.key for each in ledger.validators}:
        raise SecretUnusable(f"validator.key is not the key of a validator of {genesis.ledger}")
    return Opened(ledger, secret)


def _genesis_new(shared: Ledger, ledger_id: str, kind: str, secret: bytes, now_ms: int) -> Genesis:
    roles = dict(shared.genesis.roles)
    names = trusted_roles(shared.genesis.ledger, tuple(each.key for each in shared.validators))
    fixed = dict(shared.genesis.params).get("fixed_validators", 0)
    return Genesis(
        ledger=ledger_id,
        kind=kind,
        time_ms=now_ms,
        validators=(public_key(secret),),
        params=(("fixed_validators", fixed),),
        roles=((OPERATOR, roles[OPERATOR]), *names),
    )
