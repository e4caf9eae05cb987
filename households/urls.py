"""Pages of the home role."""

from __future__ import annotations

from django.urls import path

from households.advice import views as advice
from households.learning import views as learning
from households.learning.participation import views as jobs
from households.views import checks, data, device, devices, overview, settings, sharing, start, uploads, wallet

app_name = "households"
urlpatterns = [
    path("", overview.page, name="overview"),
    path("start/", start.start, name="start"),
    path("start/cell/", start.cell, name="start_cell"),
    path("start/restore/", start.restore, name="start_restore"),
    path("start/confirm/", start.confirm, name="start_confirm"),
    path("start/words/", start.words_again, name="start_words"),
    path("start/consent/", start.consent, name="start_consent"),
    path("devices/", devices.page, name="devices"),
    path("devices/code/", devices.code, name="pairing_code"),
    path("devices/inbox/<uuid:candidate_id>/accept/", devices.accept, name="accept"),
    path("devices/inbox/<uuid:candidate_id>/refuse/", devices.refuse, name="refuse"),
    path("devices/<uuid:device_id>/", device.page, name="device"),
    path("devices/<uuid:device_id>/rename/", device.rename, name="device_rename"),
    path("devices/<uuid:device_id>/permissions/", device.permissions, name="device_permissions"),
    path("devices/<uuid:device_id>/share/", device.share, name="device_share"),
    path("devices/<uuid:device_id>/readmit/", device.readmit, name="device_readmit"),
    path("devices/<uuid:device_id>/quarantine/", device.quarantine, name="device_quarantine"),
    path("devices/<uuid:device_id>/rotate/", device.rotate, name="device_rotate"),
    path("devices/<uuid:device_id>/leave/", device.leave, name="device_leave"),
    path("devices/<uuid:device_id>/revoke/", device.revoke, name="device_revoke"),
    path("data/", data.page, name="data"),
    path("sharing/", sharing.page, name="sharing"),
    path("sharing/withdraw/", sharing.withdraw, name="consent_withdraw"),
    path("sharing/<slug:device_class>/", sharing.rule, name="rule"),
    path("uploads/", uploads.page, name="uploads"),
    path("uploads/schedule/", uploads.schedule, name="schedule"),
    path("uploads/now/", uploads.now, name="upload_now"),
    path("uploads/void/", uploads.void, name="void"),
    path("uploads/<uuid:batch_id>/", uploads.batch, name="batch"),
    path("uploads/lots/<uuid:lot_id>/take-down/", uploads.take_down, name="take_down"),
    path("learning/", learning.page, name="learning"),
    path("learning/give/", learning.give, name="learning_give"),
    path("learning/switch/", learning.switch, name="learning_switch"),
    path("learning/limit/", learning.limit, name="learning_limit"),
    path("learning/rules/<uuid:rule_id>/revoke/", learning.revoke, name="learning_revoke"),
    path("learning/jobs/", jobs.jobs, name="learning_jobs"),
    path("learning/jobs/<uuid:participation_id>/", jobs.job, name="learning_job"),
    path("learning/jobs/<uuid:participation_id>/leave/", jobs.leave, name="learning_job_leave"),
    path("advice/", advice.page, name="advice"),
    path("advice/ask/<str:name>/", advice.ask, name="advice_ask"),
    path("advice/<uuid:inquiry_id>/", advice.inquiry, name="advice_inquiry"),
    path("advice/offers/<uuid:ranked_id>/order/", advice.order_new, name="advice_order_new"),
    path("advice/orders/<uuid:order_id>/", advice.order, name="advice_order"),
    path("advice/orders/<uuid:order_id>/done/", advice.order_done, name="advice_order_done"),
    path("wallet/", wallet.page, name="wallet"),
    path("wallet/move/", wallet.move, name="wallet_move"),
    path("wallet/restore/", wallet.restore, name="wallet_restore"),
    path("wallet/recover/", wallet.recover, name="recover"),
    path("wallet/<uuid:device_id>/", wallet.micro, name="wallet_micro"),
    path("settings/", settings.page, name="settings"),
    path("settings/checks/", checks.page, name="checks"),
    path("settings/checks/reset/", checks.reset, name="checks_reset"),
]
