"""The market's doors: the shared ledger, the catalog, the store, registration, the operators' desk, training."""

from __future__ import annotations

from chain.crypto.hashing import sha256
from tests.access.rules import HUB, ORGANISATION, Door, everybody, operators, participants

M = "/api/v1/market/"
L = M + "ledger/"

LEDGER = [
    Door("get", L + "genesis", everybody()),
    Door("get", L + "head", everybody()),
    Door("get", L + "blocks/{height}", everybody()),
    Door("post", L + "transactions", everybody(400), {"tx": ""}),
    Door("get", L + "transactions/{tx}", everybody()),
    Door("get", L + "accounts/{address}", everybody()),
    Door("get", L + "accounts/{address}/history", everybody()),
    Door("get", L + "events", everybody()),
    Door("get", L + "lots/{market_lot}", everybody()),
    Door("get", L + "orders/{market_order}", everybody()),
    Door("get", L + "validators/changes", everybody()),
    Door("get", L + "trainings/{market_order}", everybody(404)),
    Door("get", L + "pools/{market_order}", everybody(404)),
    Door("get", L + "service-money/{market_order}", everybody(404)),
]

# Every ledger under its name; the world has the shared one, and the addresses are the same for the others.
NAMED_LEDGER = [
    Door("get", L + "shared/genesis", everybody()),
    Door("get", L + "shared/head", everybody()),
    Door("get", L + "shared/blocks/{height}", everybody()),
    Door("post", L + "shared/transactions", everybody(400), {"tx": ""}),
    Door("get", L + "shared/transactions/{tx}", everybody()),
    Door("get", L + "shared/accounts/{address}", everybody()),
    Door("get", L + "shared/events", everybody()),
    Door("get", L + "shared/validators/changes", everybody()),
]

# The things of the service-model ledger; {tx} stands for an id of which it has nothing.
MODELS = [
    Door("get", L + "service_models/services", everybody()),
    Door("get", L + "service_models/services/{tx}", everybody(404)),
    Door("get", L + "service_models/services/{tx}/models", everybody(404)),
    Door("get", L + "service_models/jobs/{tx}", everybody(404)),
    Door("get", L + "service_models/jobs/{tx}/rounds", everybody(404)),
    Door("get", L + "service_models/versions/{tx}", everybody(404)),
    Door("get", L + "service_models/versions/{tx}/lineage", everybody(404)),
    Door("get", L + "service_models/orders/{tx}", everybody(404)),
    Door("get", L + "service_models/peers/" + 20 * "00", everybody(404)),
    Door("get", L + "service_models/round-keys/{tx}", everybody(404)),
]

REGISTRATION = [
    Door("post", M + "challenges", everybody(), {"public_key": "{hub_key}"}),
    Door("post", M + "hubs", everybody(400), {}),
    Door("post", M + "organisations", everybody(400), {}),
    Door("get", M + "organisations/me", participants({ORGANISATION: 200})),
    Door("get", M + "organisations", operators(200)),
    # The operator is let through to a refusal, so that nothing has to be signed for the ledger here.
    Door("post", M + "organisations/{organisation}/accredit", operators(400), {"until": "2001-01-01T00:00:00Z"}),
    Door("post", M + "organisations/{pending}/suspend", operators(409)),
    Door("post", M + "organisations/{organisation}/credits", operators(400), {"amount": 0}, {"Idempotency-Key": "k"}),
]

CATALOG = [
    Door("get", M + "cells", everybody()),
    Door("post", M + "cells", participants({HUB: 204}), {"cell": "g10:1:1"}),
    Door("get", M + "lots", everybody()),
    Door("get", M + "lots/{market_lot}", everybody()),
    Door("get", M + "lots/{market_lot}/preview", everybody()),
    Door("get", M + "facets", everybody()),
    Door("get", M + "licences/{licence}", everybody()),
    Door("get", M + "objects/{object}", participants({HUB: 200, ORGANISATION: 200})),
    Door("put", M + "objects/{object}", participants({HUB: 400, ORGANISATION: 400}), b"x"),
    Door("delete", M + "objects/{object}", participants({HUB: 403, ORGANISATION: 403}), None,
         {"X-Deletion-Secret": "not the secret"}),
    Door("get", M + "models/{sheet}/offers", participants({HUB: 200, ORGANISATION: 200})),
    Door("put", M + "models/{sheet}/offers", participants({ORGANISATION: 400}), {}),
]  # fmt: skip

# The hub answered the organisation's notice under {pseudonym}; in the mailbox of that lies a letter from {wallet}.
T = M + "training/"
LETTER = M + "mailbox/{pseudonym}/{wallet}/0000000000000001"
BOARD = [
    Door("post", T + "pseudonyms", participants({HUB: 400, ORGANISATION: 400}), {}),
    Door("delete", T + "pseudonyms/{wallet}", participants({HUB: 403, ORGANISATION: 204})),
    Door("get", T + "notices", participants({HUB: 200, ORGANISATION: 200})),
    Door("post", T + "notices", participants({ORGANISATION: 400}), {}),
    Door("get", T + "notices/{plan}", participants({HUB: 200, ORGANISATION: 200})),
    Door("post", T + "notices/{plan}/close", participants({ORGANISATION: 200})),
    Door("get", T + "notices/{plan}/answers", participants({ORGANISATION: 200})),
    Door("post", T + "notices/{plan}/answers", participants({HUB: 400}), {}),
    Door("delete", T + "notices/{plan}/answers", participants({HUB: 204})),
    Door("get", M + "mailbox/{pseudonym}", participants({HUB: 200, ORGANISATION: 403})),
    Door("get", LETTER, participants({HUB: 200, ORGANISATION: 403})),
    Door("put", LETTER, participants({HUB: 403, ORGANISATION: 201}), b"x", {"X-Object-Sha256": sha256(b"x").hex()}),
    Door("delete", LETTER, participants({HUB: 204, ORGANISATION: 204})),
]

MARKET = [*LEDGER, *NAMED_LEDGER, *MODELS, *REGISTRATION, *CATALOG, *BOARD]
