"""A purchase, from confirmation to money moved: rows with a state, driven forward step by step under a lease.

    confirmed -> checked -> funding -> funded -> committed -> delivered -> opened -> accepting -> settled
                                         |            |            |
                                         +- expiring -+            +- complaining -> refunded
    and failed, before anything was paid

``following`` writes what verified receipts say (``ledger_state``, ``e``, ``deadline_ms``); ``machine`` moves ``state``.
"""

from __future__ import annotations

from enterprises.checkout.purchases.following import purchases_follow
from enterprises.checkout.purchases.machine import purchases_advance

__all__ = ["purchases_advance", "purchases_follow"]
