"""A home's device ledger, opened over the ``home`` database and kept open in this process.

Several processes may append (the web process counts votes, a worker proposes): the store takes a height once, so the
loser refreshes and looks again. Nothing here is handed to another thread without the lock.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from chain.contracts import CONTRACT_SETS, DEVICE
from chain.core.types import Genesis
from chain.engine.ledger import Ledger
from chain.stores.sql import SqlStore
from households.models import HOME, HomeWallet, Household
from marketplace.common.types import to_ms

KEPT_OPEN = 64
_open: OrderedDict[str, Ledger] = OrderedDict()
_lock = threading.RLock()


@contextmanager
def device_ledger(household: Household) -> Iterator[Ledger]:
    """The home's ledger with all blocks of the store taken over, for this thread alone until the block ends.

    Raises ``LedgerFault`` when the stored blocks contradict themselves.
    """
    with _lock:
        ledger = _open.get(household.ledger)
        if ledger is None:
            ledger = _opened(household)
            _open[household.ledger] = ledger
            while len(_open) > KEPT_OPEN:
                _open.popitem(last=False)
        _open.move_to_end(household.ledger)
        ledger.refresh()
        yield ledger


def device_ledger_genesis(household: Household, wallet: HomeWallet) -> Genesis:
    """What a home's ledger starts from: the owner's authority, the hub's key, the master's key for recovery.

    It follows from the rows of the home, so a start that was cut short is simply made again.
    """
    return Genesis(
        ledger=household.ledger,
        kind=DEVICE,
        time_ms=to_ms(household.created_at),
        validators=(bytes(wallet.authority_key),),
        roles=(
            ("hub", bytes(wallet.hub_key)),
            ("master", bytes(wallet.recovery_key)),
            ("owner", bytes(wallet.authority_key)),
        ),
    )


def device_ledgers_forget() -> None:
    """Close all ledgers of this process; the next use reads them from the store (tests, and after a restore)."""
    with _lock:
        _open.clear()


def _opened(household: Household) -> Ledger:
    store = SqlStore(household.ledger, HOME)
    genesis = store.genesis()
    if genesis is None:
        genesis = device_ledger_genesis(household, HomeWallet.objects.using(HOME).get(pk=household.pk))
    return Ledger(genesis, CONTRACT_SETS[DEVICE], store)
