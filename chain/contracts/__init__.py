"""The contracts of each kind of ledger: pure functions over explicit state.

``CONTRACT_SETS`` is what the engine opens a ledger with, by the ``kind`` of its genesis.
"""

from __future__ import annotations

from chain.contracts import devices, registry
from chain.contracts.credits import CREDITS
from chain.contracts.crossing import SERVICE_MODELS, SHARED
from chain.contracts.devices import DEVICES_CONTRACT
from chain.contracts.ledgers import LEDGERS
from chain.contracts.market import MARKET
from chain.contracts.peers import PEERS_CONTRACT
from chain.contracts.registry import REGISTRY, REGISTRY_OF_ROLES
from chain.contracts.service_escrow import SERVICE_ESCROW
from chain.contracts.service_models import SERVICE_MODELS_CONTRACT
from chain.core.contract import ContractSet

DEVICE = "device"

CONTRACT_SETS: dict[str, ContractSet] = {
    SHARED: ContractSet(contracts=(CREDITS, REGISTRY, LEDGERS, MARKET, SERVICE_ESCROW), validators=registry.validators),
    SERVICE_MODELS: ContractSet(
        contracts=(REGISTRY_OF_ROLES, LEDGERS, PEERS_CONTRACT, SERVICE_MODELS_CONTRACT), validators=registry.validators
    ),
    DEVICE: ContractSet(contracts=(DEVICES_CONTRACT,), validators=devices.validators, judges=devices.judges),
}

__all__ = ["CONTRACT_SETS", "DEVICE", "SERVICE_MODELS", "SHARED"]
