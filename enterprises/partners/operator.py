"""The operator's acts, made by the ledger's own services with the keys of the market role."""

from __future__ import annotations

from chain import selectors, services
from chain.contracts.credits import Mint
from chain.core.codec import decode
from chain.node.shared import ALIAS
from chain.rpc import SHARED, NodeClient
from enterprises.partners.ledger import OperatorLedger
from marketplace.common.errors import Unavailable

MINT = "credits.mint"


class ServiceLedger:
    """``OperatorLedger`` over ``chain.services``."""

    def accredit(self, address: bytes, until_ms: int) -> None:
        services.enterprise_accredit(address=address, until_ms=until_ms)

    def suspend(self, address: bytes) -> None:
        services.enterprise_suspend(address=address)

    def mint(self, address: bytes, amount: int) -> bytes:
        return services.credits_mint(to=address, amount=amount).tx_id

    def height(self) -> int:
        head = NodeClient().head(SHARED)
        return head.height if head else 0

    def mints(self, address: bytes, amount: int, after_height: int) -> list[bytes]:
        info = NodeClient().info(SHARED)
        ledger = selectors.ledger_store(alias=ALIAS, ledger=SHARED).ledger
        if info.get("indexed", info["height"]) < info["height"]:
            raise Unavailable("The index lags behind the ledger.")
        wanted = Mint(to=address, amount=amount)
        found = selectors.events_of_subject(alias=ALIAS, ledger=ledger, subject=address, after_height=after_height)
        ids = dict.fromkeys(bytes(event.tx_id) for event in found)
        return [tx_id for tx_id in ids if _is_mint(ledger, tx_id, wanted)]


def _is_mint(ledger: str, tx_id: bytes, wanted: Mint) -> bool:
    proof = selectors.transaction_proof(alias=ALIAS, ledger=ledger, tx_id=tx_id)
    tx = proof.signed.tx
    return tx.call == MINT and not proof.receipt.code and decode(Mint, tx.args) == wanted


def operator_ledger() -> OperatorLedger:
    """The ledger as this deployment's operator writes it."""
    return ServiceLedger()
