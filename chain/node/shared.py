"""How the shared ledger begins: its genesis from the settings and the deployment's keys, on the node's first start."""

from __future__ import annotations

from django.conf import settings

from chain.contracts import CONTRACT_SETS, SHARED
from chain.core.types import Genesis
from chain.crypto.hashing import tagged
from chain.crypto.secp256k1 import public_key
from chain.engine.ledger import Ledger
from chain.engine.mempool import POOL_SIZE, Mempool
from chain.node.beside import trusted_from_genesis
from chain.node.keys import OPERATOR, TREASURY, VALIDATOR, KeyFiles, SecretUnusable
from chain.stores.sql import SqlStore, ledgers_in

ALIAS = "ledger"
LEDGER_ID_BYTES = 6


def shared_ledger_open(keys: KeyFiles, now_ms: int) -> tuple[Ledger, bytes]:
    """The shared ledger and its validator's secret; begins the ledger if the database has none.

    Raises ``SecretMissing`` or ``SecretUnusable``: an existing ledger never gets a new key.
    """
    ledger_id = shared_ledger_id()
    if ledger_id is None:
        genesis = genesis_new(keys, dict(settings.HEARTH_MARKET_PARAMS), now_ms)
        store = SqlStore(genesis.ledger, ALIAS)
    else:
        store = SqlStore(ledger_id, ALIAS)
        stored = store.genesis()
        assert stored is not None
        genesis = stored
    validator = keys.secret(VALIDATOR)
    pool = Mempool(int(getattr(settings, "HEARTH_POOL_SIZE", POOL_SIZE)))
    ledger = Ledger(genesis, CONTRACT_SETS[genesis.kind], store, pool=pool)
    if public_key(validator) not in {each.key for each in ledger.validators}:
        raise SecretUnusable("validator.key is not the key of a validator of this ledger")
    return ledger, validator


def shared_ledger_id() -> str | None:
    """The id of the shared ledger in this deployment's database, or None before it began."""
    for ledger_id in ledgers_in(ALIAS):
        genesis = SqlStore(ledger_id, ALIAS).genesis()
        if genesis is not None and genesis.kind == SHARED:
            return ledger_id
    return None


def genesis_new(keys: KeyFiles, params: dict[str, int], now_ms: int) -> Genesis:
    """A genesis with one validator, the treasury and the first operator, that trusts the ledgers beside it.

    The validators are fixed unless ``params`` say ``fixed_validators`` 0: this node could not go on with a second.

    The ledger's id is made of its keys and its beginning, so that what is signed for one market is void on another.
    """
    validator, treasury, operator = (public_key(keys.secret_or_new(name)) for name in (VALIDATOR, TREASURY, OPERATOR))
    digest = tagged("hearth/ledger-id", validator, treasury, operator, now_ms.to_bytes(8, "big"))
    ledger = f"{SHARED}-{digest[:LEDGER_ID_BYTES].hex()}"
    return Genesis(
        ledger=ledger,
        kind=SHARED,
        time_ms=now_ms,
        validators=(validator,),
        params=tuple(sorted({"fixed_validators": 1, **params}.items())),
        roles=((OPERATOR, operator), (TREASURY, treasury), *trusted_from_genesis(ledger, validator)),
    )
