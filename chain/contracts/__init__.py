"""The contracts of each kind of ledger: pure functions over explicit state.

``CONTRACT_SETS`` is what the engine opens a ledger with, by the ``kind`` of its genesis.
"""

from __future__ import annotations

from chain.contracts import devices, registry
from chain.contracts.credits import CREDITS
from chain.contracts.devices import DEVICES_CONTRACT
from chain.contracts.market import MARKET
from chain.contracts.registry import REGISTRY
from chain.core.contract import ContractSet

SHARED = "shared"
DEVICE = "device"

CONTRACT_SETS: dict[str, ContractSet] = {
    SHARED: ContractSet(contracts=(CREDITS, REGISTRY, MARKET), validators=registry.validators),
    DEVICE: ContractSet(contracts=(DEVICES_CONTRACT,), validators=devices.validators, judges=devices.judges),
}

__all__ = ["CONTRACT_SETS", "DEVICE", "SHARED"]
