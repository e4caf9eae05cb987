"""How the two sides of training reach each other through the market: its notice board, and mailboxes as a ``Store``."""

from __future__ import annotations

from fedlearn.transport.board import Answer, BoardClient, Notice
from fedlearn.transport.store import MarketStore

__all__ = ["Answer", "BoardClient", "MarketStore", "Notice"]
