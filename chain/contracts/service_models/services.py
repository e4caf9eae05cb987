"""Services, who may serve them, and who asks for them.

The accreditation of an enterprise is the shared ledger's. Anybody shows its receipts here, the newest holds: an
enterprise shows that it was accredited, whoever dislikes it that it was suspended since.
"""

from __future__ import annotations

import msgspec

from chain.contracts import registry
from chain.contracts.crossing import SHARED
from chain.contracts.ledgers import ReceiptOlder, receipt_check
from chain.contracts.service_models import errors as refused
from chain.contracts.service_models.rows import (
    ACCREDITED,
    REQUESTS,
    SERVICES,
    USED,
    AccreditedRow,
    Request,
    RequestRow,
    ServiceRegister,
    ServiceRow,
    ShowAccreditation,
    UsedRow,
    service_id_of,
)
from chain.core.codec import decode
from chain.core.proofs import TxProof
from chain.core.state import State
from chain.core.types import Context, Event, Transaction

_ACCREDIT, _SUSPEND = "registry.accredit", "registry.suspend"


def accreditation_show(ctx: Context, state: State, args: ShowAccreditation) -> tuple[Event, ...]:
    """Take over what a receipt of the shared ledger says of an address, unless a later one was shown.

    Of one block a suspension holds: a Merkle path alone does not tell which of two transactions came first.
    """
    tx = receipt_check(state, SHARED, args.proof, _ACCREDIT, _SUSPEND)
    height = args.proof.header.height
    suspended = tx.call == _SUSPEND
    said = decode(registry.Suspend, tx.args) if suspended else decode(registry.Accredit, tx.args)
    row = state.get(ACCREDITED, said.address)
    if row is not None and (height < row.height or (height == row.height and (row.suspended or not suspended))):
        raise ReceiptOlder
    until_ms = said.until_ms if isinstance(said, registry.Accredit) else row.until_ms if row else 0
    state.put(ACCREDITED, said.address, AccreditedRow(until_ms=until_ms, suspended=suspended, height=height))
    kind = "service.suspended" if suspended else "service.accredited"
    return (Event(kind=kind, subjects=(said.address,)),)


def accreditation_require(ctx: Context, state: State) -> None:
    """Raise ``EnterpriseNotAccredited`` unless the sender is accredited, as far as this ledger was shown."""
    row = state.get(ACCREDITED, ctx.sender)
    if row is None or row.suspended or ctx.time_ms >= row.until_ms:
        raise refused.EnterpriseNotAccredited


def service_get(state: State, service: bytes) -> ServiceRow:
    """A service by its id; raises ``ServiceUnknown``."""
    row = state.get(SERVICES, service)
    if row is None:
        raise refused.ServiceUnknown
    return row


def service_register(ctx: Context, state: State, args: ServiceRegister) -> tuple[Event, ...]:
    """An accredited enterprise registers a service; others may serve it too."""
    accreditation_require(ctx, state)
    service = service_id_of(args.name)
    if state.get(SERVICES, service) is not None:
        raise refused.ServiceExists
    row = ServiceRow(
        service=service,
        name=args.name,
        unit=args.unit,
        template=args.template,
        registered_by=ctx.sender,
        registered_ms=ctx.time_ms,
    )
    state.put(SERVICES, service, row)
    return (Event(kind="service.registered", subjects=(service, ctx.sender)),)


def request(ctx: Context, state: State, args: Request) -> tuple[Event, ...]:
    """A household's account asks for a service, as often as it likes."""
    row = service_get(state, service_id_of(args.name))
    key = row.service + ctx.sender
    before = state.get(REQUESTS, key)
    count = before.count + 1 if before else 1
    state.put(REQUESTS, key, RequestRow(height=ctx.height, time_ms=ctx.time_ms, count=count))
    state.put(SERVICES, row.service, msgspec.structs.replace(row, requests=row.requests + 1))
    return (Event(kind="service.requested", subjects=(row.service, ctx.sender)),)


def receipt_use(state: State, proof: TxProof, by: bytes, call: str) -> Transaction:
    """The call of the shared ledger that a receipt proves, which nobody used before; raises ``ReceiptUsed``."""
    tx = receipt_check(state, SHARED, proof, call)
    if state.get(USED, proof.tx_id) is not None:
        raise refused.ReceiptUsed
    state.put(USED, proof.tx_id, UsedRow(by=by))
    return tx
