"""When the voters are dead: the master key names new ones (protocols.md 1)."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from chain.consensus.ballot import ballot_encode, ballot_extra
from chain.consensus.validators import vote_sign
from chain.contracts.devices.rows import Recover
from chain.core.codec import encode
from chain.core.transactions import tx_new, tx_sign
from chain.engine.ledger import Ledger
from chain.wallets import hd
from households.errors import DeviceUnknown, NothingToVoid, QuorumNotLost
from households.models import HOME, Device, Household
from households.services.activity import activity_note
from households.services.ledgers import device_ledger
from households.services.members import members_project
from households.services.nudges import agents_poke, ledger_nudge
from households.services.proposing import proposal_void
from households.services.secrets import operational_of
from households.services.wallets import wallet_open
from marketplace.common.types import to_ms

VALID_BLOCKS = 10


def household_recover(*, household: Household, voters: Sequence[uuid.UUID], passphrase: str) -> None:
    """Make a block that only holds the master key's ``recover``; labels fall until the new voters have closed a batch.

    Raises ``WrongPassphrase``, ``DeviceUnknown``, ``QuorumNotLost`` if the ledger finds the old voters not silent for
    long enough, or a new one unfit.
    """
    master = hd.master_signer(hd.root_of(hd.seed_of(wallet_open(household=household, passphrase=passphrase))))
    chosen = {
        device.pk: bytes(device.device_id)
        for device in Device.objects.using(HOME).filter(household=household, pk__in=voters)
    }
    if len(chosen) != len(set(voters)):
        raise DeviceUnknown()
    with device_ledger(household) as ledger:
        _recover(household, ledger, master, tuple(chosen[pk] for pk in voters))
        members_project(household=household, state=ledger.state)
    with transaction.atomic(using=HOME):
        activity_note(household=household, kind="household.recovered", topic="devices", facts={"voters": len(chosen)})
        agents_poke(household, "block")
        ledger_nudge(household)


def _recover(household: Household, ledger: Ledger, master: hd.Branch, voters: tuple[bytes, ...]) -> None:
    tx = tx_new(
        ledger=household.ledger,
        sender=master.public_key,
        nonce=ledger.next_nonce(master.address),
        valid_until=ledger.height + VALID_BLOCKS,
        call="devices.recover",
        args=Recover(voters=voters),
    )
    prepared = ledger.prepare(encode(tx_sign(tx, master.secret)))
    now_ms = max(to_ms(timezone.now()), ledger.time_ms + 1)
    proposal = ledger.execute([prepared], now_ms, hd.hub_key(operational_of(household)).public_key)
    if proposal.receipts[0].code:
        raise QuorumNotLost(f"The home's ledger refused it: {proposal.receipts[0].code}")
    with contextlib.suppress(NothingToVoid):
        proposal_void(household=household)
    vote = vote_sign(master.secret, proposal.header, extra=ballot_encode(ballot_extra((), ())))
    ledger.commit(proposal, [vote])
