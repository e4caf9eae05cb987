"""REST of the shared ledger, mounted at /api/v1/market/ledger/."""

from __future__ import annotations

from django.urls import path, re_path

from chain import api

_ID = "[0-9a-fA-F]{64}"

urlpatterns = [
    path("genesis", api.GenesisView.as_view(), name="ledger-genesis"),
    path("head", api.HeadView.as_view(), name="ledger-head"),
    re_path(r"^blocks/(?P<height>\d{1,18})$", api.BlockView.as_view(), name="ledger-block"),
    path("transactions", api.TransactionsView.as_view(), name="ledger-transactions"),
    re_path(rf"^transactions/(?P<tx_id>{_ID})$", api.TransactionView.as_view(), name="ledger-transaction"),
    path("accounts/<str:address>", api.AccountView.as_view(), name="ledger-account"),
    path("accounts/<str:address>/history", api.HistoryView.as_view(), name="ledger-history"),
    path("events", api.EventsView.as_view(), name="ledger-events"),
    re_path(rf"^lots/(?P<lot_id>{_ID})$", api.LotView.as_view(), name="ledger-lot"),
    re_path(rf"^orders/(?P<order_id>{_ID})$", api.OrderView.as_view(), name="ledger-order"),
    path("validators/changes", api.ValidatorChangesView.as_view(), name="ledger-validator-changes"),
]
