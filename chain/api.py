"""REST of the shared ledger, mounted at /api/v1/market/ledger/. All is public: signatures authorise, not accounts.

No credentials are looked at, so that reading and sending link nothing to an account. Where a view takes ``ledger``, it
is there for each ledger of the node by its kind or id too (``api_ledgers``).
"""

from __future__ import annotations

import base64
from functools import cache
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chain import api_schema as schema
from chain import event_pages
from chain.client.records import SignedHeader
from chain.client.wire import event_json, genesis_json, row_json, signed_header_json
from chain.contracts.credits import BALANCES, Balance
from chain.contracts.market.rows import LOTS, ORDERS
from chain.contracts.registry import ACCREDITED, Accreditation
from chain.core.codec import decode
from chain.core.errors import Malformed, TooLarge
from chain.core.state import R, Table
from chain.engine.application import MAX_TX_BYTES
from chain.engine.proofs import proof_to_json
from chain.rpc import SHARED, NodeClient
from chain.selectors import block_at, ledger_genesis, ledger_store
from chain.wallets.address import AddressInvalid, address_parse, address_text
from marketplace.common.errors import NotFound
from marketplace.common.parsers import Json
from marketplace.common.throttles import ScopedThrottle

ALIAS = "ledger"
OCTETS = "application/octet-stream"
FINAL_S = 10.0
_EMPTY = {"time_ms": 0, "hash": "", "previous": "", "header": "", "commit": ""}


class LotNotOnLedger(NotFound):
    code = "ledger_lot_unknown"
    title = "The ledger has no such lot"


class OrderNotOnLedger(NotFound):
    code = "ledger_order_unknown"
    title = "The ledger has no such order"


class Octets(BaseParser):
    """Leaves the body as a stream of bytes."""

    media_type = OCTETS

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return stream


@cache
def ledger_node() -> NodeClient:
    """This process's client of the ledger node; safe for all its threads."""
    return NodeClient()


def ledger_id(ledger: str) -> str:
    """The id of a ledger by its kind or id, as the database keeps it; raises ``NoSuchLedger`` before it has begun."""
    return ledger_store(alias=ALIAS, ledger=ledger).ledger


class Public(APIView):
    """Anyone may call; credentials are not looked at."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


class GenesisView(Public):
    """What the shared ledger started from. Public."""

    @extend_schema(operation_id="ledger_genesis", responses=schema.GenesisOut)
    def get(self, request: Request, ledger: str = SHARED) -> Response:
        return Response(genesis_json(ledger_genesis(alias=ALIAS, ledger=ledger)))


class HeadView(Public):
    """The newest block's signed header, and how far the index is. Public."""

    @extend_schema(operation_id="ledger_head", responses=schema.HeadOut)
    def get(self, request: Request, ledger: str = SHARED) -> Response:
        store = ledger_store(alias=ALIAS, ledger=ledger)
        height = store.height()
        head = _header(store.ledger, height) if height else {"ledger": store.ledger, "height": 0, **_EMPTY}
        return Response({**head, "indexed_height": event_pages.indexed_height(store.ledger)})


class BlockView(Public):
    """One block's signed header. Public."""

    @extend_schema(operation_id="ledger_block", responses=schema.HeaderOut)
    def get(self, request: Request, height: int, ledger: str = SHARED) -> Response:
        return Response(_header(ledger_id(ledger), height))


class TransactionsView(Public):
    """Hand in a signed transaction and wait until it is final: its receipt with the proof. Public.

    The same transaction may be sent again. A call that the contract refused is final too, and its receipt has the code.
    """

    parser_classes = (Octets, Json)
    throttle_classes = (ScopedThrottle,)
    throttle_scope = "market_write"

    @extend_schema(
        operation_id="ledger_submit",
        request={OCTETS: OpenApiTypes.BINARY, "application/json": schema.TransactionIn},
        responses=schema.ProofOut,
    )
    def post(self, request: Request, ledger: str = SHARED) -> Response:
        proof = ledger_node().submit_and_wait(_transaction_bytes(request), timeout_s=FINAL_S, ledger=ledger)
        return Response(proof_to_json(proof))


class TransactionView(Public):
    """The receipt of a final transaction, with its proof. Public."""

    @extend_schema(operation_id="ledger_transaction", responses=schema.ProofOut)
    def get(self, request: Request, tx_id: str, ledger: str = SHARED) -> Response:
        return Response(proof_to_json(ledger_node().proof(ledger, bytes.fromhex(tx_id))))


class AccountView(Public):
    """Balance, next nonce and accreditation of an address (bech32 or hexadecimal). Public."""

    @extend_schema(operation_id="ledger_account", responses=schema.AccountOut)
    def get(self, request: Request, address: str) -> Response:
        raw = address_read(address)
        balance = row_read(SHARED, BALANCES, raw) or Balance(amount=0)
        accredited = row_read(SHARED, ACCREDITED, raw) or Accreditation(until_ms=0, suspended=True)
        return Response(
            {
                "address": address_text(raw),
                "address_hex": raw.hex(),
                "balance": balance.amount,
                "nonce": ledger_node().next_nonce(SHARED, raw),
                "accredited_until_ms": 0 if accredited.suspended else accredited.until_ms,
            }
        )


class HistoryView(Public):
    """The moves of an address's credits in pages, oldest or newest first. Public."""

    @extend_schema(operation_id="ledger_history", parameters=[schema.HistoryIn], responses=schema.HistoryOut)
    def get(self, request: Request, address: str) -> Response:
        query = query_read(schema.HistoryIn, request)
        raw, ledger = address_read(address), ledger_id(SHARED)
        reached = event_pages.indexed_height(ledger)
        moves, going_on = _moves(ledger, raw, query)
        body = {"moves": event_pages.moves_json(moves, raw), "next": _text(going_on), "indexed_height": reached}
        return Response(body)


class EventsView(Public):
    """Events of the shared ledger in its order, in pages. Public."""

    @extend_schema(operation_id="ledger_events", parameters=[schema.EventsIn], responses=schema.EventsOut)
    def get(self, request: Request, ledger: str = SHARED) -> Response:
        query = query_read(schema.EventsIn, request)
        found = ledger_id(ledger)
        reached = event_pages.indexed_height(found)
        events, going_on = event_pages.events_page(
            ledger=found,
            after=event_pages.cursor_parse(query["after"]),
            up_to=query.get("up_to"),
            kind=query["kind"],
            limit=query["limit"],
        )
        body = {"events": [event_json(each) for each in events], "next": _text(going_on), "indexed_height": reached}
        return Response(body)


class LotView(Public):
    """A lot as the ledger's state has it. Public."""

    @extend_schema(operation_id="ledger_lot", responses=schema.RowOut)
    def get(self, request: Request, lot_id: str) -> Response:
        row = row_read(SHARED, LOTS, bytes.fromhex(lot_id))
        if row is None:
            raise LotNotOnLedger
        return Response(row_json(row))


class OrderView(Public):
    """An order as the ledger's state has it. Public."""

    @extend_schema(operation_id="ledger_order", responses=schema.RowOut)
    def get(self, request: Request, order_id: str) -> Response:
        row = row_read(SHARED, ORDERS, bytes.fromhex(order_id))
        if row is None:
            raise OrderNotOnLedger
        return Response(row_json(row))


class ValidatorChangesView(Public):
    """The receipts of the transactions that changed the validators after a height, for light clients. Public.

    There are none on a ledger whose genesis has ``fixed_validators`` 1.
    """

    @extend_schema(operation_id="ledger_validator_changes", parameters=[schema.ChangesIn], responses=schema.ProofsOut)
    def get(self, request: Request, ledger: str = SHARED) -> Response:
        after = query_read(schema.ChangesIn, request)["after"]
        proofs = event_pages.validator_changes(ledger=ledger_id(ledger), after=after)
        return Response({"proofs": [proof_to_json(proof) for proof in proofs]})


def address_read(text: str) -> bytes:
    """The 20 bytes of an address in bech32 or as 40 hexadecimal digits; raises ``AddressInvalid``."""
    if len(text) != 40:
        return address_parse(text)
    try:
        return bytes.fromhex(text)
    except ValueError as fault:
        raise AddressInvalid from fault


def _moves(
    ledger: str, address: bytes, query: dict[str, Any]
) -> tuple[list[event_pages.Move], event_pages.Cursor | None]:
    node, limit = ledger_node(), query["limit"]
    if query["order"] == "oldest":
        after = event_pages.cursor_parse(query["after"])
        return event_pages.moves_page(ledger=ledger, node=node, address=address, after=after, limit=limit)
    before = event_pages.cursor_parse(query["before"]) if query["before"] else None
    return event_pages.newest_moves_page(ledger=ledger, node=node, address=address, before=before, limit=limit)


def _transaction_bytes(request: Request) -> bytes:
    if (request.content_type or "").split(";")[0] == OCTETS:
        data = request.stream.read(MAX_TX_BYTES + 1) if request.stream is not None else b""
    else:
        body = schema.TransactionIn(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            data = base64.b64decode(body.validated_data["tx"], validate=True)
        except ValueError as fault:  # of base64's own kind, or because there are characters that are not ASCII
            raise Malformed("tx is not base64") from fault
    if len(data) > MAX_TX_BYTES:
        raise TooLarge
    return data


def _header(ledger: str, height: int) -> dict[str, Any]:
    block = block_at(alias=ALIAS, ledger=ledger, height=height)
    return signed_header_json(SignedHeader(block.header, block.commit))


def row_read(ledger: str, table: Table[R], key: bytes) -> R | None:
    """A row of a ledger's state, or None."""
    data = ledger_node().get(ledger, table.name, key)
    return None if data is None else decode(table.row, data)


def query_read(shape: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The query of a request in its shape; raises DRF's ``ValidationError``."""
    query = shape(data=request.query_params)
    query.is_valid(raise_exception=True)
    return dict(query.validated_data)


def _text(cursor: event_pages.Cursor | None) -> str | None:
    return None if cursor is None else str(cursor)
