"""A home for tests: real wallet, real device ledger, and devices with keys and votes of their own."""

from __future__ import annotations

from itertools import count

from chain.core.codec import encode
from chain.crypto.hashing import sha256
from chain.crypto.secp256k1 import public_key, sign
from households.consensus import messages as wire
from households.consensus.batch import BatchData, terms_parse
from households.consensus.config import DEFAULT_CONFIG
from households.consensus.memory import Memory
from households.consensus.proposal import proposal_parse
from households.consensus.readings import Segment, segment_sign
from households.consensus.replica import Replica
from households.consensus.voter import Voter
from households.consensus.voting import MemoryVoteLog
from households.models import Device, Household
from households.privacy.classes import device_class, quantity_of
from households.services import agents, pairing
from households.services.households import consent_give, household_create
from households.services.rules import rule_set
from households.services.voting import ledger_advance, vote_record
from households.uploads.services.intake import Stored, segments_store
from marketplace.common.licences import CONSENT, current

PASSPHRASE = "copper-lantern"
CELL = "g50:10:20"
DAY_MS = 86_400_000
START_MS = 1_700_000_000_000 // DAY_MS * DAY_MS
_numbers = count(1)


def home_new(owner_id: int | None = None, **fields: object) -> Household:
    """An active home whose owner agreed to sharing; a code lets devices in at once."""
    owner_id = next(_numbers) + 10_000 if owner_id is None else owner_id
    household, _ = household_create(owner_id=owner_id, cell=CELL, passphrase=PASSPHRASE, auto_accept=True, **fields)
    Household.objects.using("home").filter(pk=household.pk).update(state="active")
    household.refresh_from_db()
    consent_give(household=household, text_name=current(CONSENT).name)
    return household


def share(household: Household, *classes: str, level: str = "fine", price: int = 40) -> None:
    """The owner shares these classes."""
    for name in classes:
        rule_set(
            household=household, device_class=name, share=True, level=level, price=price, licence="copy", expiry_days=30
        )


class TestDevice:
    """A device: its key, its copy of the ledger, its votes. ``value`` shifts what it measures."""

    __test__ = False

    def __init__(self, household: Household, number: int, class_name: str = "climate", area: str = "hall") -> None:
        self.household = household
        self.secret = sha256(b"device", household.pk.bytes, bytes([number]))
        self.key = public_key(self.secret)
        self.class_name = class_name
        self.facts = wire.DeviceFactsAnnounced(
            device_class=class_name,
            area=area,
            failure_domain=f"simulated:{number}",
            model="Attic probe",
            quantities=tuple(wire.QuantityFacts(q.name, q.unit) for q in device_class(class_name).quantities),
        )
        self.sequences: dict[str, int] = {}
        self.voter: Voter | None = None

    def join(self, others: list[TestDevice]) -> TestDevice:
        """Come in by a pairing code; the devices that are there vote on it."""
        code = pairing.pairing_code_create(household=self.household)
        greeting = self.greet(code)
        for _ in range(20):
            if greeting.welcome is not None:
                break
            everybody_votes(others)
            ledger_advance(self.household)
            greeting = agents.greet_again(self.household, self.key)
        assert greeting.welcome is not None
        self.voter = Voter(
            secret=self.secret,
            device_id=greeting.welcome.device_id,
            replica=Replica(greeting.welcome.genesis),
            log=MemoryVoteLog(),
            memory=Memory(),
            config=DEFAULT_CONFIG,
        )
        self.take_blocks()
        return self

    def greet(self, code: str = "") -> agents.Greeting:
        """Prove the key, as the consumer has it done."""
        nonce = sha256(b"nonce", self.key)
        digest = wire.prove_digest(self.household.ledger, nonce, self.key, self.facts)
        prove = wire.Prove(self.facts, code, sign(self.secret, digest))
        known = pairing.device_proved(household=self.household, public_key=self.key, nonce=nonce, prove=prove)
        return agents.greet(self.household, known)

    @property
    def row(self) -> Device:
        row = Device.objects.using("home").get(household=self.household, identity_key=self.key)
        row.household = self.household
        return row

    def segment(self, quantity: str, times_ms: list[int], values: list[int], **changes: object) -> bytes:
        """A signed segment with the next sequences."""
        first = self.sequences.get(quantity, 1)
        self.sequences[quantity] = first + len(values)
        fields = {
            "ledger": self.household.ledger,
            "device_id": bytes(self.row.device_id),
            "account": bytes(self.row.account),
            "quantity": quantity,
            "unit": quantity_of(self.class_name, quantity).unit,
            "first_sequence": first,
            "backfilled": True,
            "times_ms": tuple(times_ms),
            "values": tuple(values),
        }
        return segment_sign(Segment(**{**fields, **changes}), self.secret)

    def measure(
        self, quantity: str, *, day: int = 0, base: int = 2_000, step_s: int = 300, shift: int = 0
    ) -> list[Stored]:
        """A day of readings that go up and down by a little."""
        start = START_MS + day * DAY_MS
        times = [start + i * step_s * 1000 for i in range(86_400 // step_s)]
        values = [base + shift + (i * 7919 % 23) for i in range(len(times))]
        raws = [self.segment(quantity, times[i : i + 60], values[i : i + 60]) for i in range(0, len(times), 60)]
        return segments_store(device=self.row, raws=raws, received_ms=START_MS + 400 * DAY_MS)

    def take_blocks(self) -> None:
        """Catch up with the ledger."""
        assert self.voter is not None
        for raw in agents.blocks_after(self.household, self.voter.replica.height):
            self.voter.take_block(raw)

    def vote(self) -> bool:
        """Vote on the open proposal, if there is one on which this device has a vote."""
        assert self.voter is not None
        self.take_blocks()
        raw = agents.proposal_for(self.household, self.key)
        if raw is None:
            return False
        proposal = proposal_parse(raw)
        if self.key not in {judge.key for judge in self.voter.replica.judges_of(proposal)}:
            return False
        closing = self.voter.batch_wanted(proposal)
        batch = None
        if closing is not None:
            header = proposal.body.header
            fetch = wire.BatchFetch(header.height, proposal.body.round, closing.batch_id)
            batch = _assembled(list(agents.batch_parts(self.household, self.row, fetch)))
        vote = self.voter.vote(proposal, batch)
        vote_record(household=self.household, device=self.row, height=proposal.body.header.height, raw=encode(vote))
        return True


def everybody_votes(devices: list[TestDevice]) -> None:
    """One round of votes, then the hub goes on."""
    for device in devices:
        device.vote()
    if devices:
        ledger_advance(devices[0].household)
        for device in devices:
            device.take_blocks()


def devices_new(household: Household, number: int, class_name: str = "climate") -> list[TestDevice]:
    """So many devices in one room, joined one after the other."""
    devices: list[TestDevice] = []
    for index in range(number):
        devices.append(TestDevice(household, index + 1, class_name).join(devices))
    return devices


def _assembled(parts: list[wire.Message]) -> BatchData:
    head = parts[0]
    assert isinstance(head, wire.BatchHead) and isinstance(parts[-1], wire.BatchEnd)
    segments = tuple(raw for part in parts[1:-1] if isinstance(part, wire.BatchPart) for raw in part.segments)
    assert len(segments) == head.segment_count
    return BatchData(terms_parse(head.terms), segments)
