"""The ordinary steps on a service-model ledger, for tests that care about the step after them."""

from __future__ import annotations

from typing import Any

from chain.contracts.crossing import FundTraining, TrainingLine
from chain.contracts.registry import Accredit
from chain.contracts.service_models import rows
from chain.core.proofs import TxProof
from chain.crypto.hashing import sha256
from tests.pure.chain.contracts.receipts import NONCE, PLAN, SHARED_ID, job_of, receipt, round_args
from tests.pure.chain.contracts.world import OPERATOR, T0, World, address

FAR_MS = T0 + 10**9
SERVICE = rows.service_id_of("tariff-advice")
FIRST_MODEL = sha256(b"model", b"\x00")
EPSILON = 3_000_000


def accreditation(name: str, *, height: int = 5, until_ms: int = FAR_MS) -> rows.ShowAccreditation:
    args = Accredit(address=address(name), until_ms=until_ms)
    return rows.ShowAccreditation(receipt(SHARED_ID, OPERATOR, "registry.accredit", args, height=height))


def licences(buyer: str, count: int = 5, *, plan: bytes = PLAN, nonce: int = 0, **more: Any) -> TxProof:
    """The receipt of licences that ``buyer`` paid for a plan."""
    lines = tuple(TrainingLine(sha256(b"lot", bytes([n])), sha256(b"licence"), 10) for n in range(count))
    args = FundTraining(plan, NONCE, 3, lines, FAR_MS, 0)
    return receipt(SHARED_ID, buyer, "market.fund_training", args, nonce=nonce, **more)


def opening(buyer: str = "acme", *proofs: TxProof, **changes: Any) -> rows.JobOpen:
    fields: dict[str, Any] = {
        "service": SERVICE,
        "plan": PLAN,
        "nonce": NONCE,
        "task": "next_hour_load",
        "rounds": 3,
        "cohort_min": 3,
        "epsilon_micro": EPSILON,
        "delta_micro": 10,
        "model": FIRST_MODEL,
        "deadline_ms": FAR_MS,
        "proofs": proofs or (licences(buyer),),
        **changes,
    }
    return rows.JobOpen(**fields)


def serve(world: World, *enterprises: str) -> None:
    """Accredit enterprises here, and register the service."""
    for name in enterprises:
        world.call("anyone", "service_models.accreditation_show", accreditation(name))
    register = rows.ServiceRegister("tariff-advice", "kWh", "Predicts the load of the next hour.")
    world.call(enterprises[0], "service_models.service_register", register)


def opened(world: World, buyer: str = "acme", **changes: Any) -> bytes:
    world.call(buyer, "service_models.job_open", opening(buyer, **changes))
    return job_of(buyer, changes.get("plan", PLAN))


def orders_of(count: int = 3) -> list[bytes]:
    return [sha256(b"order", bytes([number])) for number in range(count)]


def learnt(world: World, number: int, buyer: str = "acme", **changes: Any) -> None:
    """A completed round of three homes."""
    args = round_args(job_of(buyer), number, orders_of(), **{"epsilon_micro": number * 1_000_000, **changes})
    world.call(buyer, "service_models.round", args)


def version_args(number: int, buyer: str = "acme", **changes: Any) -> rows.Publish:
    fields: dict[str, Any] = {
        "job": job_of(buyer),
        "number": number,
        "parameters": sha256(b"model", bytes([number])),
        "previous": b"",
        "card": sha256(b"card"),
        "metrics": (rows.Metric("mae", 120_000), rows.Metric("r2", -50_000)),
        "object_id": sha256(b"object", bytes([number])),
        "size_bytes": 40_000,
        **changes,
    }
    return rows.Publish(**fields)


def version_of(number: int, buyer: str = "acme") -> bytes:
    return rows.version_id_of(job_of(buyer), number, sha256(b"model", bytes([number])))


def published(world: World, number: int, buyer: str = "acme", **changes: Any) -> bytes:
    world.call(buyer, "service_models.version", version_args(number, buyer, **changes))
    return version_of(number, buyer)
