"""A lot says of its rows what the home's devices signed, whatever the hub's rows say later."""

from __future__ import annotations

import msgspec
import pytest

from chain.contracts.market.rows import Publish
from chain.core.codec import decode, encode
from chain.exchange.lots import LotSecrets
from chain.wallets.hd import cloud_secret
from households.consensus.batch import terms_parse
from households.consensus.limits import limits_new
from households.models import Batch, Household, Lot
from households.services.checks import limits_set
from households.services.households import household_update
from households.services.secrets import operational_of
from households.services.voting import ledger_advance
from households.uploads.services.batches import batch_close
from households.uploads.services.lots import lot_seal
from households.uploads.services.pipeline import uploads_advance
from tests.households.market import MemoryMarket
from tests.households.world import CELL, DAY_MS, START_MS, devices_new, everybody_votes, home_new, share

pytestmark = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def certified(market: MemoryMarket) -> Household:
    return home_certified()


def home_certified(**limits: int) -> Household:
    """A home whose devices have approved two lots that are not sealed yet."""
    home = home_new()
    limits_set(household=home, values={name.replace("_", ".", 1): value for name, value in limits.items()})
    devices = devices_new(home, 2)
    share(home, "climate")
    for number, device in enumerate(devices):
        device.measure("temperature", shift=number)
    assert batch_close(household=home, cut_ms=START_MS + DAY_MS)
    uploads_advance(home)
    ledger_advance(home)
    everybody_votes(devices)
    assert Lot.objects.using("home").filter(state=Lot.State.CERTIFIED).count() == 2
    return home


def lots() -> list[Lot]:
    return list(Lot.objects.using("home").order_by("pk"))


def test_a_home_that_moves_lists_what_was_voted_on_in_the_old_place(certified: Household, market: MemoryMarket) -> None:
    home = household_update(household=certified, cell="g50:77:7")
    uploads_advance(home)
    assert [lot.state for lot in lots()] == [Lot.State.LISTED] * 2
    assert {decode(Publish, bytes(lot.digest)).cell for lot in lots()} == {CELL}


@pytest.mark.parametrize("change", [{"cell": "g50:77:7"}, {"limits": limits_new({"temperature.level": 4_000})}])
def test_a_hub_that_says_something_else_than_was_signed_stores_and_lists_nothing(
    certified: Household, market: MemoryMarket, change: dict[str, object]
) -> None:
    batch = Batch.objects.using("home").get()
    terms = msgspec.structs.replace(terms_parse(bytes(batch.terms)), **change)
    Batch.objects.using("home").filter(pk=batch.pk).update(terms=encode(terms))
    uploads_advance(certified)
    assert {(lot.state, lot.reject_code) for lot in lots()} == {(Lot.State.FAILED, "facts_not_signed")}
    assert market.objects == {}


@pytest.mark.parametrize(("limits", "said"), [({}, "default"), ({"temperature_level": 4_000}, "own")])
def test_a_manifest_says_whether_a_home_checks_by_limits_of_its_own(
    market: MemoryMarket, limits: dict[str, int], said: str
) -> None:
    home = home_certified(**limits)
    for lot in lots():
        secrets = LotSecrets.derive(cloud_secret(operational_of(home)), bytes(lot.payee_key))
        assert lot_seal(lot, secrets)[1].facts.limits == said
    uploads_advance(home)
    assert {lot.state for lot in lots()} == {Lot.State.LISTED}
