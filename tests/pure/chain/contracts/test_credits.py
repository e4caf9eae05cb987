from __future__ import annotations

import pytest

from chain.contracts.credits import ESCROW, SUPPLY_MAX, Burn, EscrowClosed, Mint, Transfer
from tests.pure.chain.contracts.steps import pay
from tests.pure.chain.contracts.world import TREASURY, World, address, shared_genesis


def test_only_the_treasury_mints_and_burns(world: World) -> None:
    assert world.code("acme", "credits.mint", Mint(to=address("acme"), amount=1)) == "not_the_treasury"
    assert world.code("acme", "credits.burn", Burn(amount=1)) == "not_the_treasury"
    before = world.credits_total()
    world.call(TREASURY, "credits.mint", Mint(to=address("new"), amount=7))
    world.call(TREASURY, "credits.burn", Burn(amount=2))
    assert world.credits_total() == before + 5
    assert world.balance("new") == 7


def test_the_allocations_of_the_genesis_count_as_minted() -> None:
    world = World(shared_genesis())
    assert world.balance(TREASURY) == 1000
    assert world.credits_total() == 1000


def test_a_transfer_moves_and_creates_nothing(world: World) -> None:
    before = world.credits_total()
    assert pay(world, "acme", "bolt", 1000) == ""
    assert (world.balance("acme"), world.balance("bolt")) == (0, 2000)
    assert world.credits_total() == before


def test_a_transfer_to_oneself_changes_no_balance(world: World) -> None:
    assert pay(world, "acme", "acme", 1000) == ""
    assert world.balance("acme") == 1000


@pytest.mark.parametrize(("amount", "code"), [(0, "amount_invalid"), (1001, "balance_too_low")])
def test_a_transfer_of_nothing_or_too_much_is_refused(world: World, amount: int, code: str) -> None:
    assert pay(world, "acme", "bolt", amount) == code
    assert world.balance("acme") == 1000


def test_zero_amounts_are_neither_minted_nor_burnt(world: World) -> None:
    assert world.code(TREASURY, "credits.mint", Mint(to=address("acme"), amount=0)) == "amount_invalid"
    assert world.code(TREASURY, "credits.burn", Burn(amount=0)) == "amount_invalid"


def test_the_treasury_burns_no_more_than_it_has(world: World) -> None:
    assert world.code(TREASURY, "credits.burn", Burn(amount=1001)) == "balance_too_low"


def test_the_supply_never_passes_what_an_integer_holds(world: World) -> None:
    assert world.code(TREASURY, "credits.mint", Mint(to=address("acme"), amount=SUPPLY_MAX)) == "supply_full"


def test_nothing_reaches_the_escrow_but_by_the_market(world: World) -> None:
    assert world.code("acme", "credits.transfer", Transfer(to=ESCROW, amount=1)) == "escrow_closed"
    assert world.code(TREASURY, "credits.mint", Mint(to=ESCROW, amount=1)) == "escrow_closed"
    genesis = shared_genesis()
    with pytest.raises(EscrowClosed):
        World(type(genesis)(**{**_fields(genesis), "allocations": ((ESCROW, 1),)}))


def _fields(genesis: object) -> dict[str, object]:
    return {name: getattr(genesis, name) for name in genesis.__struct_fields__}  # type: ignore[attr-defined]
