"""Why a ledger refuses a transaction or a block.

``Refused`` and its children are raised by contracts: the transaction stands in its block with the code in its
receipt, its nonce is used up, and the state is as before. ``Rejected`` and its children keep a transaction out of the
pool, so it costs nothing. ``LedgerFault`` means that stored or received blocks contradict themselves.
"""

from __future__ import annotations

from marketplace.common.errors import Conflict, HearthError, InputError, IntegrityFault, Unavailable


class Refused(Conflict):
    """A contract refused the call; the state is untouched."""

    code = "refused"
    title = "The ledger refused the transaction"


class Rejected(InputError):
    """The transaction never reached a block."""

    code = "rejected"
    title = "The transaction was not taken"


class Malformed(Rejected):
    code = "tx_malformed"
    title = "The bytes are not a transaction in canonical form"


class TooLarge(Rejected):
    code = "tx_too_large"
    http_status = 413
    title = "The transaction is larger than the ledger takes"


class BadSignature(Rejected):
    code = "tx_bad_signature"
    title = "The signature does not match the sender's key"


class WrongLedger(Rejected):
    code = "tx_wrong_ledger"
    title = "The transaction was signed for another ledger"


class Expired(Rejected):
    code = "tx_expired"
    title = "The height until which the transaction was valid has passed"


class NonceUsed(Rejected):
    code = "tx_nonce_used"
    http_status = 409
    title = "The sender has used this nonce already"


class NonceGap(Rejected):
    code = "tx_nonce_gap"
    http_status = 409
    title = "The sender has not used the nonces below this one"


class UnknownCall(Rejected):
    code = "tx_unknown_call"
    title = "This ledger has no such call"


class PoolFull(Unavailable):
    code = "pool_full"
    title = "Too many transactions are waiting"
    hint = "Wait a second and send the same transaction again."


class LedgerFault(IntegrityFault):
    """A block, receipt or state contradicts its hashes, signatures or predecessor."""

    code = "ledger_fault"
    title = "The ledger contradicts itself"

    def __init__(self, detail: str = "", *, height: int | None = None) -> None:
        super().__init__(detail)
        self.height = height


__all__ = [
    "BadSignature", "Expired", "HearthError", "LedgerFault", "Malformed", "NonceGap", "NonceUsed", "PoolFull",
    "Refused", "Rejected", "TooLarge", "UnknownCall", "WrongLedger",
]  # fmt: skip
