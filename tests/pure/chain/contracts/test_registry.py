from __future__ import annotations

from chain.contracts.registry import (
    Accredit,
    AddValidator,
    RemoveValidator,
    SetOperator,
    Suspend,
    is_accredited,
    operators,
    validators,
)
from tests.pure.chain.contracts.world import OPERATOR, World, address, key_of, shared_genesis


def _validators(world: World) -> tuple[bytes, ...]:
    return tuple(validator.key for validator in validators(world.genesis, world.state))


def test_an_accreditation_ends_at_its_moment(world: World) -> None:
    until_ms = world.time_ms + 10
    world.call(OPERATOR, "registry.accredit", Accredit(address=address("cargo"), until_ms=until_ms))
    assert is_accredited(world.state, address("cargo"), until_ms - 1)
    assert not is_accredited(world.state, address("cargo"), until_ms)


def test_an_accreditation_in_the_past_is_refused(world: World) -> None:
    args = Accredit(address=address("cargo"), until_ms=world.time_ms)
    assert world.code(OPERATOR, "registry.accredit", args) == "accreditation_past"


def test_a_suspension_holds_until_the_next_accreditation(world: World) -> None:
    world.call(OPERATOR, "registry.suspend", Suspend(address=address("acme")))
    assert not is_accredited(world.state, address("acme"), world.time_ms)
    assert world.code(OPERATOR, "registry.suspend", Suspend(address=address("acme"))) == "not_accredited"
    args = Accredit(address=address("acme"), until_ms=world.time_ms + 10)
    world.call(OPERATOR, "registry.accredit", args)
    assert is_accredited(world.state, address("acme"), world.time_ms)


def test_an_unknown_address_cannot_be_suspended(world: World) -> None:
    assert world.code(OPERATOR, "registry.suspend", Suspend(address=address("nobody"))) == "not_accredited"


def test_every_call_is_the_operators_alone(world: World) -> None:
    key = key_of("acme")
    calls = {
        "accredit": Accredit(address=address("acme"), until_ms=world.time_ms + 10),
        "suspend": Suspend(address=address("acme")),
        "set_operator": SetOperator(key=key, on=True),
        "add_validator": AddValidator(key=key),
        "remove_validator": RemoveValidator(key=key_of("validator")),
    }
    assert {world.code("acme", f"registry.{name}", args) for name, args in calls.items()} == {"not_an_operator"}


def test_operators_come_and_go_but_one_stays(world: World) -> None:
    assert world.code(OPERATOR, "registry.set_operator", SetOperator(key=key_of(OPERATOR), on=False)) == "last_operator"
    world.call(OPERATOR, "registry.set_operator", SetOperator(key=key_of("second"), on=True))
    world.call("second", "registry.set_operator", SetOperator(key=key_of(OPERATOR), on=False))
    assert operators(world.state) == (key_of("second"),)
    assert world.code(OPERATOR, "registry.suspend", Suspend(address=address("acme"))) == "not_an_operator"


def test_a_role_is_given_and_taken_once(world: World) -> None:
    assert world.code(OPERATOR, "registry.set_operator", SetOperator(key=key_of(OPERATOR), on=True)) == "already_set"
    assert world.code(OPERATOR, "registry.set_operator", SetOperator(key=key_of("acme"), on=False)) == "already_set"
    assert world.code(OPERATOR, "registry.add_validator", AddValidator(key=b"\x05" * 33)) == "key_invalid"


def test_validators_change_by_one_a_block(world: World) -> None:
    world.call(OPERATOR, "registry.add_validator", AddValidator(key=key_of("v2")))
    args = AddValidator(key=key_of("v3"))
    assert world.code(OPERATOR, "registry.add_validator", args) == "one_validator_change_a_block"
    world.block()
    world.call(OPERATOR, "registry.add_validator", args)
    assert _validators(world) == (key_of("validator"), key_of("v2"), key_of("v3"))


def test_the_last_validator_stays(world: World) -> None:
    args = RemoveValidator(key=key_of("validator"))
    assert world.code(OPERATOR, "registry.remove_validator", args) == "last_validator"
    world.call(OPERATOR, "registry.add_validator", AddValidator(key=key_of("v2")))
    world.block()
    world.call(OPERATOR, "registry.remove_validator", args)
    assert _validators(world) == (key_of("v2"),)
    world.block()
    assert world.code(OPERATOR, "registry.remove_validator", args) == "already_set"


def test_a_ledger_that_one_node_orders_keeps_its_validators() -> None:
    world = World(shared_genesis(fixed_validators=1))
    args = AddValidator(key=key_of("v2"))
    assert world.code(OPERATOR, "registry.add_validator", args) == "validators_fixed"
    assert world.code("acme", "registry.add_validator", args) == "not_an_operator"
