"""The enterprise's doors: REST and pages. ``other`` belongs to another enterprise, and asks for things of the first."""

from __future__ import annotations

from tests.access.rules import Door, enterprise_page, members

E = "/api/v1/enterprise/"
P = "/enterprise/"

ENTERPRISE_API = [
    Door("get", E, members()),
    Door("post", E, members(409, 409, 201), {"name": "Again", "contact": "a@example.org"}),
    Door("get", E + "members", members()),
    Door("post", E + "members", members(404, 404), {"email": "nobody@example.org"}),
    Door("patch", E + "members/{colleague}", members(200, 404), {"role": "admin"}),
    Door("delete", E + "members/{colleague}", members(204, 404)),
    Door("get", E + "wallet", members()),
    Door("get", E + "catalog/lots", members()),
    Door("get", E + "catalog/facets", members()),
    Door("get", E + "catalog/lots/{market_lot}", members()),
    Door("get", E + "basket", members()),
    Door("post", E + "basket", members(), {"lot_id": "{second_lot}"}),
    Door("delete", E + "basket", members(204, 204)),
    Door("delete", E + "basket/{second_lot}", members(204, 204)),
    Door("get", E + "orders", members()),
    Door("post", E + "orders", members(409, 409), {"total": 1, "licences": []}),
    Door("get", E + "orders/{order}", members(200, 404)),
    Door("get", E + "purchases/{purchase}", members(200, 404)),
    Door("get", E + "purchases/{purchase}/data", members(200, 404)),
]

ENTERPRISE_PAGES = [
    Door("get", P, enterprise_page()),
    Door("get", P + "register/", enterprise_page("/enterprise/", "/enterprise/", 200)),
    Door("post", P + "register/", enterprise_page("/enterprise/", "/enterprise/", "/enterprise/"),
         {"name": "New Ltd", "contact": "n@example.org"}),
    Door("get", P + "catalog/", enterprise_page()),
    Door("get", P + "catalog/{market_lot}/", enterprise_page()),
    Door("get", P + "catalog/{market_lot}/spark/", enterprise_page()),
    Door("get", P + "basket/", enterprise_page()),
    Door("get", P + "basket/button/", enterprise_page()),
    Door("post", P + "basket/add/", enterprise_page(302, 302), {"lot_id": "{second_lot}"}),
    Door("post", P + "basket/clear/", enterprise_page(302, 302)),
    Door("post", P + "basket/renew/", enterprise_page(302, 302)),
    Door("post", P + "basket/confirm/", enterprise_page(302, 302), {"total": 1}),
    Door("post", P + "basket/{second_lot}/remove/", enterprise_page(302, 302)),
    Door("get", P + "orders/", enterprise_page()),
    Door("get", P + "orders/{order}/", enterprise_page(200, 404)),
    Door("get", P + "purchases/{purchase}/", enterprise_page(200, 404)),
    Door("get", P + "purchases/{purchase}/data/csv/", enterprise_page(200, 404)),
    Door("get", P + "purchases/{purchase}/receipts/{fund_tx}/", enterprise_page(200, 404)),
    Door("get", P + "wallet/", enterprise_page()),
    Door("get", P + "organisation/", enterprise_page()),
    Door("post", P + "organisation/members/", enterprise_page(400, 400), {"email": "nobody@example.org"}),
    Door("post", P + "organisation/members/{colleague}/", enterprise_page(302, 404), {"role": "admin"}),
    Door("post", P + "organisation/members/{colleague}/remove/", enterprise_page(302, 404)),
]  # fmt: skip
