"""The desk of a deployment: the market over HTTP, and Syft's node in a folder of this node's."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager

from django.conf import settings
from django.utils.module_loading import import_string

from enterprises.checkout.files import folder
from enterprises.checkout.market import market_http, market_of
from enterprises.checkout.models import Enterprise
from enterprises.checkout.wallets import market_token
from enterprises.training.ports import Desk, Post
from fedlearn.runtime.names import identity_of
from fedlearn.runtime.ports import Pins
from fedlearn.transport import BoardClient

DEFAULT = "enterprises.training.desk.desk_over_http"


def desk_of(enterprise: Enterprise) -> Desk:
    """The enterprise's desk; ``HEARTH_TRAINING_DESK`` names the function that makes it."""
    desk: Desk = import_string(getattr(settings, "HEARTH_TRAINING_DESK", DEFAULT))(enterprise)
    return desk


def desk_over_http(enterprise: Enterprise) -> Desk:
    """The market at ``HEARTH_MARKET_URL`` with the enterprise's own token."""
    board = BoardClient(market_http(), market_token(enterprise))

    def post(pins: Pins) -> AbstractContextManager[Post]:
        from fedlearn.runtime.nodes import EnterpriseNode  # Syft takes seconds to load, and only jobs need it

        identity = identity_of("enterprise", enterprise.wallet.address)
        home = folder() / "learning" / str(enterprise.public_id)
        home.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return EnterpriseNode.opened(home, identity, board.store(identity), pins)

    return Desk(enterprise, market_of(enterprise), board, post, lambda: int(time.time() * 1000))
