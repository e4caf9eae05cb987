"""REST of the enterprise role, mounted at /api/v1/enterprise/."""

from __future__ import annotations

from django.urls import path

from enterprises.checkout import api
from enterprises.offers import api as offers
from enterprises.training import api as training

urlpatterns = [
    path("", api.OwnEnterprise.as_view(), name="enterprise-own"),
    path("members", api.Members.as_view(), name="enterprise-members"),
    path("members/<int:user_id>", api.MemberDetail.as_view(), name="enterprise-member"),
    path("wallet", api.WalletView.as_view(), name="enterprise-wallet"),
    path("catalog/lots", api.CatalogLots.as_view(), name="enterprise-catalog-lots"),
    path("catalog/facets", api.CatalogFacets.as_view(), name="enterprise-catalog-facets"),
    path("catalog/lots/<str:lot_id>", api.CatalogLot.as_view(), name="enterprise-catalog-lot"),
    path("basket", api.Basket.as_view(), name="enterprise-basket"),
    path("basket/<str:lot_id>", api.BasketItem.as_view(), name="enterprise-basket-item"),
    path("orders", api.Orders.as_view(), name="enterprise-orders"),
    path("orders/<uuid:public_id>", api.OrderDetail.as_view(), name="enterprise-order"),
    path("purchases/<uuid:public_id>", api.PurchaseDetail.as_view(), name="enterprise-purchase"),
    path("purchases/<uuid:public_id>/data", api.PurchaseData.as_view(), name="enterprise-data"),
    path("training", training.Trainings.as_view(), name="enterprise-trainings"),
    path("training/templates", training.Templates.as_view(), name="enterprise-training-templates"),
    path("training/<uuid:public_id>", training.TrainingDetail.as_view(), name="enterprise-training"),
    path("training/<uuid:public_id>/estimate", training.Estimate.as_view(), name="enterprise-training-estimate"),
    path("training/<uuid:public_id>/notice", training.Notice.as_view(), name="enterprise-training-notice"),
    path("training/<uuid:public_id>/answers", training.Answers.as_view(), name="enterprise-training-answers"),
    path("training/<uuid:public_id>/dry-run", training.DryRun.as_view(), name="enterprise-training-dry-run"),
    path("training/<uuid:public_id>/confirm", training.Confirm.as_view(), name="enterprise-training-confirm"),
    path("training/<uuid:public_id>/cancel", training.Cancel.as_view(), name="enterprise-training-cancel"),
    path("offers", offers.Sheets.as_view(), name="enterprise-offer-sheets"),
    path("offers/orders", offers.ServiceOrders.as_view(), name="enterprise-service-orders"),
    path("offers/orders/<uuid:public_id>", offers.ServiceOrderView.as_view(), name="enterprise-service-order"),
    path("offers/orders/<uuid:public_id>/confirm", offers.Confirm.as_view(), name="enterprise-service-confirm"),
    path("offers/orders/<uuid:public_id>/decline", offers.Decline.as_view(), name="enterprise-service-decline"),
    path("offers/orders/<uuid:public_id>/complete", offers.Complete.as_view(), name="enterprise-service-complete"),
    path("offers/<str:version>", offers.SheetDetail.as_view(), name="enterprise-offer-sheet"),
    path("offers/<str:version>/<uuid:public_id>", offers.OfferDetail.as_view(), name="enterprise-offer"),
]
