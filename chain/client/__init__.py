"""How hubs and buyers talk to a market node, and believe only what they have verified.

``light`` checks headers and receipts against a pinned genesis, ``market`` is the market's REST API as methods, ``pins``
keeps what was pinned, ``inprocess`` is the ASGI application as a transport.
"""

from __future__ import annotations

from chain.client.light import LightClient
from chain.client.market import MarketClient
from chain.client.pins import FilePins, MemoryPins, PinStore
from chain.client.records import ForkProof, Pin, SignedHeader

__all__ = ["FilePins", "ForkProof", "LightClient", "MarketClient", "MemoryPins", "Pin", "PinStore", "SignedHeader"]
