"""REST of the node's ledgers, mounted at /api/v1/market/ledger/: the shared one here, each one under its name."""

from __future__ import annotations

from django.urls import include, path, re_path

from chain import api, api_learning, api_ledgers

_ID = "[0-9a-fA-F]{64}"
# A ledger by its kind or its id; the other addresses here have another second part.
_LEDGER = "(?P<ledger>[a-z][a-z0-9_-]{2,63})"

_SHARED = [
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
    re_path(rf"^trainings/(?P<order_id>{_ID})$", api_learning.TrainingView.as_view(), name="ledger-training"),
    re_path(rf"^pools/(?P<job>{_ID})$", api_learning.PoolView.as_view(), name="ledger-pool"),
    re_path(rf"^service-money/(?P<key>{_ID})$", api_learning.MoneyView.as_view(), name="ledger-service-money"),
]

_MODELS = [
    path("services", api_learning.ServicesView.as_view(), name="models-services"),
    re_path(rf"^services/(?P<service>{_ID})$", api_learning.ServiceView.as_view(), name="models-service"),
    re_path(
        rf"^services/(?P<service>{_ID})/models$", api_learning.ServiceModelsView.as_view(), name="models-of-service"
    ),
    re_path(rf"^jobs/(?P<job>{_ID})$", api_learning.JobView.as_view(), name="models-job"),
    re_path(rf"^jobs/(?P<job>{_ID})/rounds$", api_learning.JobRoundsView.as_view(), name="models-job-rounds"),
    re_path(rf"^versions/(?P<version>{_ID})$", api_learning.VersionView.as_view(), name="models-version"),
    re_path(rf"^versions/(?P<version>{_ID})/lineage$", api_learning.LineageView.as_view(), name="models-lineage"),
    re_path(rf"^orders/(?P<order_id>{_ID})$", api_learning.ServiceOrderView.as_view(), name="models-order"),
    re_path(r"^peers/(?P<address>[0-9a-fA-F]{40})$", api_learning.PeerView.as_view(), name="models-peer"),
    re_path(rf"^round-keys/(?P<key>{_ID})$", api_learning.RoundKeysView.as_view(), name="models-round-keys"),
]

_NAMED = [
    re_path(rf"^{_LEDGER}/genesis$", api_ledgers.NamedGenesisView.as_view(), name="named-ledger-genesis"),
    re_path(rf"^{_LEDGER}/head$", api_ledgers.NamedHeadView.as_view(), name="named-ledger-head"),
    re_path(
        rf"^{_LEDGER}/blocks/(?P<height>\d{{1,18}})$", api_ledgers.NamedBlockView.as_view(), name="named-ledger-block"
    ),
    re_path(
        rf"^{_LEDGER}/transactions$", api_ledgers.NamedTransactionsView.as_view(), name="named-ledger-transactions"
    ),
    re_path(
        rf"^{_LEDGER}/transactions/(?P<tx_id>{_ID})$",
        api_ledgers.NamedTransactionView.as_view(),
        name="named-ledger-transaction",
    ),
    re_path(
        rf"^{_LEDGER}/accounts/(?P<address>[^/]+)$", api_ledgers.NamedAccountView.as_view(), name="named-ledger-account"
    ),
    re_path(rf"^{_LEDGER}/events$", api_ledgers.NamedEventsView.as_view(), name="named-ledger-events"),
    re_path(
        rf"^{_LEDGER}/validators/changes$",
        api_ledgers.NamedValidatorChangesView.as_view(),
        name="named-ledger-validator-changes",
    ),
]

urlpatterns = [*_SHARED, path("service_models/", include(_MODELS)), *_NAMED]
