"""What the service-model ledger takes and keeps: services, jobs, rounds, versions, requests and orders.

Parameters, cards and plans are known here by their hashes; what is private (epsilon, delta, metrics) is counted in
millionths. Ids, addresses and hashes are raw bytes, prices whole credits, times milliseconds since 1970.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from chain.contracts.crossing import Count, Reason, Rounds
from chain.core.proofs import TxProof
from chain.core.state import Table
from chain.core.types import Address, Hash, PublicKey, Record, Uint
from chain.crypto.hashing import tagged

PROOFS_MAX: Final = 8
METRICS_MAX: Final = 16
OBJECT_BYTES_MAX: Final = 256 * 1024 * 1024

# States of a job, besides how it ended (``crossing``), and of a service order.
OPEN = "open"
PLACED, CONFIRMED, DECLINED = "PLACED", "CONFIRMED", "DECLINED"
EXPIRED, FULFILLED = "EXPIRED", "COMPLETED"
REASON_DEADLINE = "deadline_passed"

Word = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_.-]{0,47}\Z")]
Unit = Annotated[str, msgspec.Meta(min_length=1, max_length=24)]
Template = Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
Int64 = Annotated[int, msgspec.Meta(ge=-(2**62), le=2**62)]
Parent = Annotated[bytes, msgspec.Meta(max_length=32)]
Proofs = Annotated[tuple[TxProof, ...], msgspec.Meta(min_length=1, max_length=PROOFS_MAX)]


class ShowAccreditation(Record):
    """Anyone: the shared ledger's receipt that an address was accredited, or suspended."""

    proof: TxProof


class ServiceRegister(Record):
    """An accredited enterprise: a service by its name, the unit of its models' results, and its template in words."""

    name: Word
    unit: Unit
    template: Template


class JobOpen(Record):
    """An accredited enterprise opens the job that it paid licences for (``proofs``, receipts of ``fund_training``).
    The job's id is made of the sender's address, ``plan`` and ``nonce``. ``model`` is the hash of the parameters that
    it starts from. ``epsilon_micro`` 0 means that no privacy bound is promised; otherwise it can't be exceeded.
    """

    service: Hash
    plan: Hash
    nonce: Hash
    task: Word
    rounds: Rounds
    cohort_min: Annotated[int, msgspec.Meta(ge=2, le=2**20)]
    epsilon_micro: Uint
    delta_micro: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
    model: Hash
    deadline_ms: Uint
    proofs: Proofs


class JobLicences(Record):
    """More licences for the sender's open job."""

    job: Hash
    proofs: Proofs


class Metric(Record):
    """A figure of a version, in millionths: ``r2`` 0.81 is 810000."""

    name: Word
    micro: Int64


class Publish(Record):
    """A version of the sender's model, as a completed round of its job left it. ``parameters`` is their hash, which
    must be what the round says; they lie in the cloud store as ``object_id``. ``previous`` is an earlier one, or empty.
    """

    job: Hash
    number: Rounds
    parameters: Hash
    previous: Parent
    card: Hash
    metrics: Annotated[tuple[Metric, ...], msgspec.Meta(max_length=METRICS_MAX)]
    object_id: Hash
    size_bytes: Annotated[int, msgspec.Meta(ge=1, le=OBJECT_BYTES_MAX)]


class Rollback(Record):
    """An earlier version of the sender's becomes its current one for the service again; the lineage stays."""

    version: Hash


class Withdraw(Record):
    """A version of the sender's is not offered any more, for good; ``reason`` is a code."""

    version: Hash
    reason: Reason


class Request(Record):
    """A household's account asks for a service by its name."""

    name: Word


class Order(Record):
    """A household picks an offer (by its hash) of a version. With a price, ``proofs`` has the shared ledger's receipt
    of the sender's ``fund_service``, of the same order, enterprise, price and deadline; without one it is empty."""

    version: Hash
    offer: Hash
    nonce: Hash
    price: Uint
    deadline_ms: Uint
    proofs: Annotated[tuple[TxProof, ...], msgspec.Meta(max_length=1)]


class OrderConfirm(Record):
    """The enterprise takes a household's order, in time."""

    order_id: Hash


class OrderDecline(Record):
    """The enterprise declines an order; ``reason`` is a code."""

    order_id: Hash
    reason: Reason


class OrderExpire(Record):
    """Anyone: the enterprise did not answer in time."""

    order_id: Hash


class OrderComplete(Record):
    """The household or the enterprise: the service was given. With a price, the receipt of ``confirm_service``."""

    order_id: Hash
    proofs: Annotated[tuple[TxProof, ...], msgspec.Meta(max_length=1)]


class AccreditedRow(Record):
    """An accreditation as the shared ledger's newest receipt shown here has it; ``height`` is that one's."""

    until_ms: Uint
    suspended: bool
    height: Uint


class ServiceRow(Record):
    """A service: several enterprises' models serve it in one unit. ``requests`` counts how often it was asked for."""

    service: Hash
    name: str
    unit: str
    template: str
    registered_by: Address
    registered_ms: Uint
    requests: Uint = 0


class JobRow(Record):
    """A job. ``licences`` counts orders, ``done`` completed rounds, ``aborted`` the others; ``model`` is the hash of
    the parameters that it has come to, ``tx_id`` the call that opened it."""

    job: Hash
    service: Hash
    enterprise: Address
    enterprise_key: PublicKey
    plan: Hash
    task: str
    rounds: Uint
    cohort_min: Uint
    epsilon_limit_micro: Uint
    delta_micro: Uint
    deadline_ms: Uint
    opened_ms: Uint
    model: Hash
    status: str
    licences: Uint
    done: Uint = 0
    aborted: Uint = 0
    epsilon_micro: Uint = 0
    reason: str = ""
    tx_id: bytes = b""


class RoundRow(Record):
    """A completed round; see ``crossing.Round``."""

    number: Uint
    model_before: Hash
    model_after: Hash
    joined: Count
    survivors: Count
    leaf_count: Count
    root: Hash
    epsilon_micro: Uint
    height: Uint
    time_ms: Uint


class VersionRow(Record):
    """A version with what its round says of it: participants' count and root, and epsilon."""

    version: Hash
    service: Hash
    enterprise: Address
    job: Hash
    plan: Hash
    number: Uint
    parameters: Hash
    previous: Parent
    card: Hash
    metrics: tuple[Metric, ...]
    object_id: Hash
    size_bytes: Uint
    participants: Uint
    leaf_count: Uint
    root: Hash
    epsilon_micro: Uint
    published_ms: Uint
    withdrawn: str = ""


class CurrentRow(Record):
    """The version that an enterprise offers for a service; the key is the service and the enterprise's address."""

    version: Hash


class RequestRow(Record):
    """When an address asked for a service last; the key is the service and the address."""

    height: Uint
    time_ms: Uint
    count: Uint


class OrderRow(Record):
    """A household's order of an offer. ``reason`` is the enterprise's code where it declined."""

    order_id: Hash
    version: Hash
    service: Hash
    household: Address
    enterprise: Address
    offer: Hash
    price: Uint
    placed_ms: Uint
    deadline_ms: Uint
    status: str
    reason: str = ""


class UsedRow(Record):
    """That a receipt of the shared ledger was used, and for which job or order."""

    by: Hash


ACCREDITED: Table[AccreditedRow] = Table("service_models.accredited", AccreditedRow)
SERVICES: Table[ServiceRow] = Table("service_models.services", ServiceRow)
JOBS: Table[JobRow] = Table("service_models.jobs", JobRow)
ROUNDS: Table[RoundRow] = Table("service_models.rounds", RoundRow)
VERSIONS: Table[VersionRow] = Table("service_models.versions", VersionRow)
CURRENT: Table[CurrentRow] = Table("service_models.current", CurrentRow)
REQUESTS: Table[RequestRow] = Table("service_models.requests", RequestRow)
ORDERS: Table[OrderRow] = Table("service_models.orders", OrderRow)
USED: Table[UsedRow] = Table("service_models.used_receipts", UsedRow)


def service_id_of(name: str) -> bytes:
    """The id of the service with this name."""
    return tagged("hearth/service", name.encode())


def version_id_of(job: bytes, number: int, parameters: bytes) -> bytes:
    """The id of the version that a job's round left."""
    return tagged("hearth/model-version", job, number.to_bytes(4, "big"), parameters)


def round_key(job: bytes, number: int) -> bytes:
    """The key of a completed round."""
    return job + number.to_bytes(4, "big")
