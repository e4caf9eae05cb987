"""How hubs and buyers talk to a market node, and believe only what they have verified.

``light`` checks headers and receipts against a pinned genesis, ``ledger`` is one ledger of a market by it, ``market``
the market's REST API with the shared ledger, ``models`` the service-model ledger, ``pins`` keeps what was pinned,
``inprocess`` is the ASGI application as a transport.
"""

from __future__ import annotations

from chain.client.ledger import LedgerClient
from chain.client.light import LightClient
from chain.client.market import MarketClient
from chain.client.models import ModelsClient
from chain.client.pins import FilePins, MemoryPins, PinStore
from chain.client.records import ForkProof, Pin, SignedHeader

__all__ = [
    "FilePins", "ForkProof", "LedgerClient", "LightClient", "MarketClient", "MemoryPins", "ModelsClient", "Pin",
    "PinStore", "SignedHeader",
]  # fmt: skip
