"""Pages of the enterprise role."""

from __future__ import annotations

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from enterprises.offers import views as offers
from enterprises.training import views as training
from enterprises.views import basket, catalog, orders, organisation, overview, wallet

app_name = "enterprises"


class Hash(StringConverter):
    """An id of 32 bytes in hexadecimal: of a lot, or of a transaction."""

    regex = "[0-9a-f]{64}"


register_converter(Hash, "hash")

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("register/", overview.register, name="register"),
    path("catalog/", catalog.catalog, name="catalog"),
    path("catalog/<hash:lot_id>/", catalog.lot, name="lot"),
    path("catalog/<hash:lot_id>/spark/", catalog.spark, name="lot_spark"),
    path("basket/", basket.basket, name="basket"),
    path("basket/button/", basket.basket_button, name="basket_button"),
    path("basket/add/", basket.basket_add, name="basket_add"),
    path("basket/clear/", basket.basket_clear, name="basket_clear"),
    path("basket/renew/", basket.basket_renew, name="basket_renew"),
    path("basket/confirm/", basket.order_confirm, name="order_confirm"),
    path("basket/<hash:lot_id>/remove/", basket.basket_remove, name="basket_remove"),
    path("orders/", orders.orders, name="orders"),
    path("orders/<uuid:public_id>/", orders.order, name="order"),
    path("purchases/<uuid:public_id>/", orders.purchase, name="purchase"),
    path("purchases/<uuid:public_id>/data/<slug:kind>/", orders.data, name="purchase_data"),
    path("purchases/<uuid:public_id>/receipts/<hash:tx_id>/", orders.receipt, name="receipt"),
    path("training/", training.jobs, name="training"),
    path("training/new/", training.new, name="training_new"),
    path("training/<uuid:public_id>/", training.job, name="training_job"),
    path("training/<uuid:public_id>/notice/", training.notice, name="training_notice"),
    path("training/<uuid:public_id>/dry-run/", training.dry_run, name="training_dry_run"),
    path("training/<uuid:public_id>/confirm/", training.confirm, name="training_confirm"),
    path("training/<uuid:public_id>/cancel/", training.cancel, name="training_cancel"),
    path("offers/", offers.page, name="offers"),
    path("offers/<hash:version>/", offers.sheet, name="offer_sheet"),
    path("offers/<hash:version>/rule/", offers.rule, name="offer_rule"),
    path("offers/<hash:version>/<uuid:public_id>/withdraw/", offers.withdraw, name="offer_withdraw"),
    path("offers/orders/<uuid:public_id>/confirm/", offers.answer, {"what": "confirm"}, name="service_confirm"),
    path("offers/orders/<uuid:public_id>/decline/", offers.answer, {"what": "decline"}, name="service_decline"),
    path("offers/orders/<uuid:public_id>/complete/", offers.answer, {"what": "complete"}, name="service_complete"),
    path("wallet/", wallet.wallet, name="wallet"),
    path("organisation/", organisation.organisation, name="organisation"),
    path("organisation/members/", organisation.member_add, name="member_add"),
    path("organisation/members/<int:user_id>/", organisation.member_change, name="member_change"),
    path("organisation/members/<int:user_id>/remove/", organisation.member_remove, name="member_remove"),
]
