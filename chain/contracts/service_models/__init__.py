"""The service-model ledger: services, training jobs with their rounds, versions of models, and orders of services
(protocols.md 4 and 5). No money is here; receipts of the shared ledger are."""

from __future__ import annotations

from chain.contracts.crossing import JobEnd, Round
from chain.contracts.service_models import jobs, orders, rows, services, versions
from chain.contracts.service_models.versions import lineage_of, models_of
from chain.core.contract import Call, Contract

SERVICE_MODELS_CONTRACT = Contract(
    name="service_models",
    calls={
        "accreditation_show": Call(rows.ShowAccreditation, services.accreditation_show),
        "service_register": Call(rows.ServiceRegister, services.service_register),
        "job_open": Call(rows.JobOpen, jobs.job_open),
        "job_licences": Call(rows.JobLicences, jobs.job_licences),
        "round": Call(Round, jobs.round_end),
        "job_end": Call(JobEnd, jobs.job_end),
        "version": Call(rows.Publish, versions.publish),
        "rollback": Call(rows.Rollback, versions.rollback),
        "withdraw": Call(rows.Withdraw, versions.withdraw),
        "request": Call(rows.Request, services.request),
        "order": Call(rows.Order, orders.order),
        "order_confirm": Call(rows.OrderConfirm, orders.order_confirm),
        "order_decline": Call(rows.OrderDecline, orders.order_decline),
        "order_expire": Call(rows.OrderExpire, orders.order_expire),
        "order_complete": Call(rows.OrderComplete, orders.order_complete),
    },
)

__all__ = ["SERVICE_MODELS_CONTRACT", "lineage_of", "models_of"]
