"""The operator's acts, made by the ledger's own services with the keys of the market role."""

from __future__ import annotations

from enterprises.partners.ledger import OperatorLedger


class ServiceLedger:
    """``OperatorLedger`` over ``chain.services``."""

    def accredit(self, address: bytes, until_ms: int) -> None:
        from chain import services

        services.enterprise_accredit(address=address, until_ms=until_ms)

    def suspend(self, address: bytes) -> None:
        from chain import services

        services.enterprise_suspend(address=address)

    def mint(self, address: bytes, amount: int) -> bytes:
        from chain import services

        return services.credits_mint(to=address, amount=amount).tx_id


def operator_ledger() -> OperatorLedger:
    """The ledger as this deployment's operator writes it."""
    return ServiceLedger()
