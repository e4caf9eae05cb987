"""REST of what learning has on the ledgers: licences and money on the shared one, models and orders on the other.

All is public and read from the ledgers' states; the proof of a row is the receipt of the transaction that made it.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from chain import api
from chain import api_schema as schema
from chain.client.wire import row_json
from chain.contracts.crossing import SERVICE_MODELS, SHARED
from chain.contracts.market.training_rows import POOLS, TRAININGS
from chain.contracts.peers import PEERS, ROUND_KEYS
from chain.contracts.service_escrow import MONEY
from chain.contracts.service_models import rows
from chain.core.codec import decode
from chain.core.state import R, Table
from chain.core.types import Record
from marketplace.common.errors import NotFound

LINEAGE_MAX = 64
PREFIX_MAX = 500


class TrainingNotOnLedger(NotFound):
    code = "ledger_training_unknown"
    title = "The ledger has no such training licence"


class PoolNotOnLedger(NotFound):
    code = "ledger_pool_unknown"
    title = "The ledger has no bonus pool of this job"


class MoneyNotOnLedger(NotFound):
    code = "ledger_service_money_unknown"
    title = "The ledger has no money for this service order"


class ServiceNotOnLedger(NotFound):
    code = "ledger_service_unknown"
    title = "The ledger has no such service"


class JobNotOnLedger(NotFound):
    code = "ledger_job_unknown"
    title = "The ledger has no such job"


class VersionNotOnLedger(NotFound):
    code = "ledger_version_unknown"
    title = "The ledger has no such version"


class ServiceOrderNotOnLedger(NotFound):
    code = "ledger_service_order_unknown"
    title = "The ledger has no such service order"


class PeerNotOnLedger(NotFound):
    code = "ledger_peer_unknown"
    title = "The account has registered no keys for training"


class RoundKeysNotOnLedger(NotFound):
    code = "ledger_round_keys_unknown"
    title = "The ledger has no keys of this round"


class TrainingView(api.Public):
    """A training licence as the shared ledger's state has it. Public."""

    @extend_schema(operation_id="ledger_training", responses=schema.RowOut)
    def get(self, request: Request, order_id: str) -> Response:
        return _answer(SHARED, TRAININGS, bytes.fromhex(order_id), TrainingNotOnLedger)


class PoolView(api.Public):
    """The bonus pool of a job as the shared ledger's state has it. Public."""

    @extend_schema(operation_id="ledger_training_pool", responses=schema.RowOut)
    def get(self, request: Request, job: str) -> Response:
        return _answer(SHARED, POOLS, bytes.fromhex(job), PoolNotOnLedger)


class MoneyView(api.Public):
    """The money of a service order, by the key that payer and order make. Public."""

    @extend_schema(operation_id="ledger_service_money", responses=schema.RowOut)
    def get(self, request: Request, key: str) -> Response:
        return _answer(SHARED, MONEY, bytes.fromhex(key), MoneyNotOnLedger)


class ServicesView(api.Public):
    """Services that are registered, in pages. Public."""

    @extend_schema(operation_id="models_services", parameters=[schema.KeysIn], responses=schema.LedgerRowsOut)
    def get(self, request: Request) -> Response:
        query = api.query_read(schema.KeysIn, request)
        after = bytes.fromhex(query["after"]) if query["after"] else None
        found = api.ledger_node().scan(SERVICE_MODELS, rows.SERVICES.name, after, query["limit"])
        going_on = found[-1][0].hex() if len(found) == query["limit"] else None
        services = [row_json(decode(rows.ServiceRow, row)) for _, row in found]
        return Response({"rows": services, "next": going_on})


class ServiceView(api.Public):
    """A service. Public."""

    @extend_schema(operation_id="models_service", responses=schema.LedgerServiceOut)
    def get(self, request: Request, service: str) -> Response:
        return _answer(SERVICE_MODELS, rows.SERVICES, bytes.fromhex(service), ServiceNotOnLedger)


class ServiceModelsView(api.Public):
    """The current versions that enterprises offer for a service, at most 500. Public."""

    @extend_schema(operation_id="models_of_service", responses=schema.LedgerRowsOut)
    def get(self, request: Request, service: str) -> Response:
        prefix = bytes.fromhex(service)
        _require(SERVICE_MODELS, rows.SERVICES, prefix, ServiceNotOnLedger)
        current = [decode(rows.CurrentRow, row) for row in _under(rows.CURRENT, prefix)]
        found = [_require(SERVICE_MODELS, rows.VERSIONS, each.version, VersionNotOnLedger) for each in current]
        return Response({"rows": [row_json(row) for row in found], "next": None})


class JobView(api.Public):
    """A training job. Public."""

    @extend_schema(operation_id="models_job", responses=schema.RowOut)
    def get(self, request: Request, job: str) -> Response:
        return _answer(SERVICE_MODELS, rows.JOBS, bytes.fromhex(job), JobNotOnLedger)


class JobRoundsView(api.Public):
    """The completed rounds of a job, in pages: ``after`` is the number of the last one that was seen. Public."""

    @extend_schema(operation_id="models_job_rounds", parameters=[schema.RoundsIn], responses=schema.LedgerRowsOut)
    def get(self, request: Request, job: str) -> Response:
        query, key = api.query_read(schema.RoundsIn, request), bytes.fromhex(job)
        _require(SERVICE_MODELS, rows.JOBS, key, JobNotOnLedger)
        after, limit = rows.round_key(key, query["after"]), query["limit"]
        found = [decode(rows.RoundRow, row) for row in _under(rows.ROUNDS, key, after, limit)]
        going_on = str(found[-1].number) if len(found) == limit else None
        return Response({"rows": [row_json(row) for row in found], "next": going_on})


class VersionView(api.Public):
    """A version of a model. Public."""

    @extend_schema(operation_id="models_version", responses=schema.LedgerVersionOut)
    def get(self, request: Request, version: str) -> Response:
        return _answer(SERVICE_MODELS, rows.VERSIONS, bytes.fromhex(version), VersionNotOnLedger)


class LineageView(api.Public):
    """A version and the ones before it, newest first, at most 64; ``next`` is the one to go on from. Public."""

    @extend_schema(operation_id="models_lineage", responses=schema.LedgerRowsOut)
    def get(self, request: Request, version: str) -> Response:
        found = [_require(SERVICE_MODELS, rows.VERSIONS, bytes.fromhex(version), VersionNotOnLedger)]
        while found[-1].previous and len(found) < LINEAGE_MAX:
            found.append(_require(SERVICE_MODELS, rows.VERSIONS, found[-1].previous, VersionNotOnLedger))
        return Response({"rows": [row_json(row) for row in found], "next": found[-1].previous.hex() or None})


class ServiceOrderView(api.Public):
    """A household's order of a service. Public."""

    @extend_schema(operation_id="models_order", responses=schema.RowOut)
    def get(self, request: Request, order_id: str) -> Response:
        return _answer(SERVICE_MODELS, rows.ORDERS, bytes.fromhex(order_id), ServiceOrderNotOnLedger)


class PeerView(api.Public):
    """The keys under which an account takes part in training. Public."""

    @extend_schema(operation_id="models_peer", responses=schema.RowOut)
    def get(self, request: Request, address: str) -> Response:
        return _answer(SERVICE_MODELS, PEERS, bytes.fromhex(address), PeerNotOnLedger)


class RoundKeysView(api.Public):
    """The root of a round's keys, by the key that its leader and the round make. Public."""

    @extend_schema(operation_id="models_round_keys", responses=schema.RowOut)
    def get(self, request: Request, key: str) -> Response:
        return _answer(SERVICE_MODELS, ROUND_KEYS, bytes.fromhex(key), RoundKeysNotOnLedger)


def _require(ledger: str, table: Table[R], key: bytes, missing: type[NotFound]) -> R:
    row = api.row_read(ledger, table, key)
    if row is None:
        raise missing
    return row


def _answer(ledger: str, table: Table[Any], key: bytes, missing: type[NotFound]) -> Response:
    row: Record = _require(ledger, table, key, missing)
    return Response(row_json(row))


def _under(table: Table[Any], prefix: bytes, after: bytes | None = None, limit: int = PREFIX_MAX) -> list[bytes]:
    """Rows whose keys begin with a prefix, after a key, in rising order of key; at most ``limit``."""
    # All keys that begin with the prefix are longer than it, so they are found after it.
    found = api.ledger_node().scan(SERVICE_MODELS, table.name, prefix if after is None else after, limit)
    return [row for key, row in found if key.startswith(prefix)]
