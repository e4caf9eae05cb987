"""Who the agent is to its hub: the handshake, and what is pinned at the first welcome."""

from __future__ import annotations

import logging
from typing import Protocol

from chain.core.blocks import genesis_hash
from chain.core.codec import decode
from chain.core.types import Genesis
from chain.crypto.hashing import address_of
from chain.crypto.secp256k1 import public_key, sign
from households.agent.files import Pins, StateDir
from households.agent.sources import quantities_of
from households.agent.spec import AgentSpec
from households.consensus.errors import EnrolmentRefused, MessageOutOfTurn
from households.consensus.messages import (
    PROTOCOL_VERSION,
    Challenge,
    DeviceFactsAnnounced,
    FromAgent,
    FromHub,
    Hello,
    Pending,
    Prove,
    QuantityFacts,
    Refusal,
    Welcome,
    prove_digest,
)
from marketplace.common.errors import HearthError, IntegrityFault

log = logging.getLogger("hearth.agent")


class HubChanged(IntegrityFault):
    """The hub is not the one that welcomed this device; it gets neither readings nor votes."""

    code = "hub_changed"
    title = "The hub shows another home, key or ledger than at the first welcome"


class RefusedByHub(HearthError):
    """The hub closed the door; ``final`` asks not to come back without the owner."""

    code = "refused_by_hub"
    http_status = 403
    title = "The hub refused the device"

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.final = refusal.final


class Link(Protocol):
    """A connection that carries messages."""

    async def send(self, message: FromAgent) -> None: ...

    async def receive(self) -> FromHub: ...


def facts_of(spec: AgentSpec) -> DeviceFactsAnnounced:
    """What the device says of itself."""
    quantities = tuple(QuantityFacts(entry.name, entry.unit) for entry in quantities_of(spec))
    return DeviceFactsAnnounced(spec.device_class, spec.area, spec.failure_domain, spec.model, quantities)


async def handshake(link: Link, spec: AgentSpec, secret: bytes, state: StateDir, now_ms: int) -> Welcome:
    """Prove the identity key and check the hub's answer against the pins; pins it the first time.

    Raises ``RefusedByHub``, ``HubChanged``, ``MessageOutOfTurn``, or the errors of the certificate.
    """
    pins = state.pins()
    await link.send(Hello(PROTOCOL_VERSION, public_key(secret)))
    challenge = await link.receive()
    if isinstance(challenge, Refusal):
        raise RefusedByHub(challenge)
    if not isinstance(challenge, Challenge):
        raise MessageOutOfTurn()
    if pins and (pins.ledger, pins.genesis_hash) != (challenge.ledger, challenge.genesis_hash):
        raise HubChanged()
    facts = facts_of(spec)
    digest = prove_digest(challenge.ledger, challenge.nonce, public_key(secret), facts)
    await link.send(Prove(facts, "" if pins else spec.code, sign(secret, digest)))
    welcome = await _welcome(link, spec)
    _check(welcome, challenge, pins, secret, now_ms)
    fresh = Pins(
        ledger=challenge.ledger,
        genesis_hash=challenge.genesis_hash,
        genesis=welcome.genesis,
        device_id=welcome.device_id,
        hub_key=welcome.hub_key,
        authority=welcome.authority,
        certificate=welcome.certificate,
    )
    if fresh != pins:
        state.pins_save(fresh)
    return welcome


async def _welcome(link: Link, spec: AgentSpec) -> Welcome:
    told = ""
    while True:
        answer = await link.receive()
        if isinstance(answer, Welcome):
            return answer
        if isinstance(answer, Refusal):
            raise RefusedByHub(answer)
        if not isinstance(answer, Pending):
            raise MessageOutOfTurn()
        if answer.text != told:
            log.info("%s: %s", spec.name, answer.text)
            told = answer.text


def _check(welcome: Welcome, challenge: Challenge, pins: Pins | None, secret: bytes, now_ms: int) -> None:
    genesis = decode(Genesis, welcome.genesis)
    if genesis_hash(genesis) != challenge.genesis_hash or genesis.ledger != challenge.ledger:
        raise HubChanged()
    if dict(genesis.roles).get("hub") != welcome.hub_key:
        raise HubChanged()
    if pins is None and welcome.device_id != address_of(public_key(secret)):
        raise EnrolmentRefused("The hub names another device")
    if pins and (pins.device_id, pins.authority) != (welcome.device_id, welcome.authority):
        raise HubChanged()
    if pins is None or pins.certificate != welcome.certificate:
        from chain.crypto.x509 import certificate_check  # only when there is a new one: the import costs 0.1 s

        facts = certificate_check(welcome.certificate, welcome.authority, now_ms)
        if facts.public_key != public_key(secret):
            raise EnrolmentRefused("The certificate is for another key")
