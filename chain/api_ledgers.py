"""REST of every ledger of the node by its kind or id (``shared``, ``service_models``): /api/v1/market/ledger/<ledger>/.

The same views as the shared ledger's, under a name. All is public: signatures authorise, not accounts.
"""

from __future__ import annotations

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from chain import api
from chain import api_schema as schema
from chain.wallets.address import address_text


@extend_schema_view(get=extend_schema(operation_id="named_ledger_genesis"))
class NamedGenesisView(api.GenesisView):
    """What a ledger started from. Public."""


@extend_schema_view(get=extend_schema(operation_id="named_ledger_head"))
class NamedHeadView(api.HeadView):
    """A ledger's newest signed header, and how far its index is. Public."""


@extend_schema_view(get=extend_schema(operation_id="named_ledger_block"))
class NamedBlockView(api.BlockView):
    """One block's signed header. Public."""


@extend_schema_view(post=extend_schema(operation_id="named_ledger_submit"))
class NamedTransactionsView(api.TransactionsView):
    """Hand in a transaction that is signed for this ledger, and wait until it is final. Public."""


@extend_schema_view(get=extend_schema(operation_id="named_ledger_transaction"))
class NamedTransactionView(api.TransactionView):
    """The receipt of a final transaction, with its proof. Public."""


@extend_schema_view(get=extend_schema(operation_id="named_ledger_events"))
class NamedEventsView(api.EventsView):
    """A ledger's events in its order, in pages. Public."""


@extend_schema_view(get=extend_schema(operation_id="named_ledger_validator_changes"))
class NamedValidatorChangesView(api.ValidatorChangesView):
    """The receipts of the transactions that changed a ledger's validators after a height. Public."""


class NamedAccountView(api.Public):
    """The next nonce of an address on a ledger. Public. Credits are on the shared ledger alone."""

    @extend_schema(operation_id="named_ledger_account", responses=schema.NonceOut)
    def get(self, request: Request, ledger: str, address: str) -> Response:
        raw = api.address_read(address)
        found = api.ledger_id(ledger)
        nonce = api.ledger_node().next_nonce(found, raw)
        return Response({"address": address_text(raw), "address_hex": raw.hex(), "nonce": nonce})
