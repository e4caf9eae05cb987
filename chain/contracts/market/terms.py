"""The market's parameters: integers of the genesis, with the defaults that hold where it names none."""

from __future__ import annotations

from chain.core.errors import Refused
from chain.core.types import Context, Genesis

MINUTE_MS = 60_000
YEAR_MS = 366 * 24 * 60 * MINUTE_MS
DEFAULTS = {
    "t1_ms": 10 * MINUTE_MS,
    "t1_deliver_ms": 2 * MINUTE_MS,
    "t2_ms": 120 * MINUTE_MS,
    "claim_ms": 24 * 60 * MINUTE_MS,
    "preview_ms": 10 * MINUTE_MS,
    "preview_chunks": 4,
    "fee_bps": 250,
    "max_chunks": 4096,
    "max_open_orders": 64,
}
_BOUNDS = {"preview_chunks": (1, 31), "fee_bps": (0, 10_000), "max_chunks": (32, 2**20), "max_open_orders": (1, 1024)}
_TIME_BOUNDS = (1, YEAR_MS)


class TermsInvalid(Refused):
    code = "terms_invalid"
    title = "The genesis has a market parameter outside its bounds"


def term(ctx: Context, name: str) -> int:
    """One parameter of this ledger: times in ms, the fee in hundredths of a per cent of the price."""
    return ctx.params.get(name, DEFAULTS[name])


def fee_of(ctx: Context, price: int) -> int:
    """The operator's part of a price, rounded down."""
    return price * term(ctx, "fee_bps") // 10_000


def terms_check(genesis: Genesis) -> None:
    """Raise ``TermsInvalid`` unless every market parameter of the genesis is within its bounds."""
    for name, value in genesis.params:
        if name in DEFAULTS:
            low, high = _BOUNDS.get(name, _TIME_BOUNDS)
            if not low <= value <= high:
                raise TermsInvalid(f"{name} is {value}, and may be {low} to {high}")
