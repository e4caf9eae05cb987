"""REST of the home role, mounted at /api/v1/home/. Only the owner of a home calls these, and only for the own home."""

from __future__ import annotations

from django.urls import path

from households import api, api_checks, api_devices, api_uploads
from households.advice import api as advice
from households.learning import api as learning
from households.learning.participation import api as jobs

app_name = "home_api"
urlpatterns = [
    path("", api.Home.as_view(), name="home"),
    path("overview", api.Overview.as_view(), name="overview"),
    path("words/confirm", api.WordsConfirm.as_view(), name="words-confirm"),
    path("restore", api.Restore.as_view(), name="restore"),
    path("recover", api.Recover.as_view(), name="recover"),
    path("readings", api.Readings.as_view(), name="readings"),
    path("consent", api.ConsentView.as_view(), name="consent"),
    path("activity", api.Activities.as_view(), name="activity"),
    path("devices", api_devices.Devices.as_view(), name="devices"),
    path("devices/<uuid:device_id>", api_devices.DeviceDetail.as_view(), name="device"),
    path("devices/<uuid:device_id>/rotate", api_devices.Rotate.as_view(), name="device-rotate"),
    path("devices/<uuid:device_id>/permissions", api_devices.Permissions.as_view(), name="device-permissions"),
    path("devices/<uuid:device_id>/leave", api_devices.Leave.as_view(), name="device-leave"),
    path("devices/<uuid:device_id>/revoke", api_devices.Revoke.as_view(), name="device-revoke"),
    path("devices/<uuid:device_id>/quarantine", api_devices.Quarantine.as_view(), name="device-quarantine"),
    path("devices/<uuid:device_id>/readmit", api_devices.Readmit.as_view(), name="device-readmit"),
    path("inbox", api_devices.Inbox.as_view(), name="inbox"),
    path("inbox/<uuid:candidate_id>/accept", api_devices.Accept.as_view(), name="inbox-accept"),
    path("inbox/<uuid:candidate_id>/refuse", api_devices.Refuse.as_view(), name="inbox-refuse"),
    path("pairing-codes", api_devices.PairingCodes.as_view(), name="pairing-codes"),
    path("changes", api_devices.Changes.as_view(), name="changes"),
    path("refusals", api_devices.Refusals.as_view(), name="refusals"),
    path("proposals", api_devices.Proposals.as_view(), name="proposals"),
    path("proposals/void", api_devices.Void.as_view(), name="void"),
    path("rules", api_uploads.Rules.as_view(), name="rules"),
    path("rules/<slug:device_class>", api_uploads.Rule.as_view(), name="rule"),
    path("checks", api_checks.Checks.as_view(), name="checks"),
    path("learning", learning.Learning.as_view(), name="learning"),
    path("learning/tasks", learning.Tasks.as_view(), name="learning-tasks"),
    path("learning/rules", learning.ConsentRules.as_view(), name="learning-rules"),
    path("learning/rules/<uuid:rule_id>", learning.ConsentRuleDetail.as_view(), name="learning-rule"),
    path("learning/epsilon", learning.EpsilonEntries.as_view(), name="learning-epsilon"),
    path("learning/history", learning.History.as_view(), name="learning-history"),
    path("learning/jobs", jobs.Participations.as_view(), name="learning-jobs"),
    path("learning/jobs/<uuid:participation_id>", jobs.ParticipationDetail.as_view(), name="learning-job"),
    path("learning/jobs/<uuid:participation_id>/leave", jobs.ParticipationLeave.as_view(), name="learning-job-leave"),
    path(
        "learning/jobs/<uuid:participation_id>/versions/<str:version>",
        jobs.VersionProofFile.as_view(),
        name="learning-job-version",
    ),
    path("advice/services", advice.Services.as_view(), name="advice-services"),
    path("advice/inquiries", advice.Inquiries.as_view(), name="advice-inquiries"),
    path("advice/inquiries/<uuid:inquiry_id>", advice.InquiryDetail.as_view(), name="advice-inquiry"),
    path("advice/orders", advice.AdviceOrders.as_view(), name="advice-orders"),
    path("advice/orders/<uuid:order_id>", advice.AdviceOrderDetail.as_view(), name="advice-order"),
    path("advice/orders/<uuid:order_id>/complete", advice.AdviceOrderComplete.as_view(), name="advice-order-complete"),
    path("schedule", api_uploads.Schedule.as_view(), name="schedule"),
    path("preview", api_uploads.Preview.as_view(), name="preview"),
    path("batches", api_uploads.Batches.as_view(), name="batches"),
    path("batches/<uuid:batch_id>", api_uploads.BatchDetail.as_view(), name="batch"),
    path("lots", api_uploads.Lots.as_view(), name="lots"),
    path("lots/<uuid:lot_id>", api_uploads.LotDetail.as_view(), name="lot"),
    path("orders", api_uploads.Orders.as_view(), name="orders"),
    path("wallet", api_uploads.Wallet.as_view(), name="wallet"),
    path("sweeps", api_uploads.Sweeps.as_view(), name="sweeps"),
]
