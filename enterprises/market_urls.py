"""REST of the market role, mounted at /api/v1/market/ (the ledger's own routes stand beside it under ledger/)."""

from __future__ import annotations

from django.urls import path

from enterprises.board import api as board
from enterprises.board import api_mail
from enterprises.catalog import api as catalog
from enterprises.catalog.api_objects import ObjectView
from enterprises.offers import api_shelf as shelf
from enterprises.partners import api as partners

urlpatterns = [
    path("challenges", partners.ChallengeView.as_view(), name="market-challenges"),
    path("hubs", partners.Hubs.as_view(), name="market-hubs"),
    path("organisations", partners.Organisations.as_view(), name="market-organisations"),
    path("organisations/me", partners.OwnOrganisation.as_view(), name="market-organisation-me"),
    path("organisations/<uuid:public_id>/accredit", partners.Accredit.as_view(), name="market-accredit"),
    path("organisations/<uuid:public_id>/suspend", partners.Suspend.as_view(), name="market-suspend"),
    path("organisations/<uuid:public_id>/credits", partners.Grants.as_view(), name="market-credits"),
    path("cells", catalog.Cells.as_view(), name="market-cells"),
    path("objects/<str:object_id>", ObjectView.as_view(), name="market-object"),
    path("lots", catalog.LotList.as_view(), name="market-lots"),
    path("lots/<str:lot_id>", catalog.LotDetail.as_view(), name="market-lot"),
    path("lots/<str:lot_id>/preview", catalog.LotPreview.as_view(), name="market-preview"),
    path("facets", catalog.Facets.as_view(), name="market-facets"),
    path("licences/<str:digest>", catalog.LicenceText.as_view(), name="market-licence"),
    path("models/<str:version>/offers", shelf.Listing.as_view(), name="market-model-offers"),
    path("training/pseudonyms", board.Pseudonyms.as_view(), name="market-pseudonyms"),
    path("training/pseudonyms/<str:address>", board.PseudonymDetail.as_view(), name="market-pseudonym"),
    path("training/notices", board.Notices.as_view(), name="market-notices"),
    path("training/notices/<str:plan>", board.NoticeDetail.as_view(), name="market-notice"),
    path("training/notices/<str:plan>/close", board.NoticeClose.as_view(), name="market-notice-close"),
    path("training/notices/<str:plan>/answers", board.Answers.as_view(), name="market-answers"),
    path("mailbox/<str:recipient>", api_mail.Mailbox.as_view(), name="market-mailbox"),
    path("mailbox/<str:recipient>/<str:sender>/<str:name>", api_mail.MailDetail.as_view(), name="market-mail"),
]
