"""Writes about who takes part: registration of hubs and organisations, and what an operator decides about them.

Accreditation and credits live on the shared ledger; the rows here follow it. The operator's signature is made by
``chain.services``; an action that is repeated changes nothing the second time.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from chain.crypto.hashing import address_of
from enterprises.errors import OrganisationNotPending
from enterprises.partners import tokens
from enterprises.partners.ledger import OperatorLedger
from enterprises.partners.models import CreditGrant, HubAccount, MarketToken, Organisation
from marketplace.common.errors import HearthError, InputError, Unavailable

NAME_MAX = 120
GRANT_MAX = 10**12


def hub_register(*, public_key: bytes, challenge: str, signature: bytes) -> str:
    """Register a hub by its key and return its token. Registering again replaces the token (an answer may get lost).

    Raises:
        ChallengeInvalid: the challenge was not answered with this key.
    """
    tokens.challenge_check(challenge, public_key, signature)
    with transaction.atomic(using="market"):
        hub, _ = HubAccount.objects.get_or_create(public_key=public_key.hex())
        MarketToken.objects.filter(hub=hub, revoked_at__isnull=True).update(revoked_at=timezone.now())
        token = tokens.token_new(MarketToken.Kind.HUB)
        MarketToken.objects.create(kind=MarketToken.Kind.HUB, digest=tokens.token_digest(token), hub=hub)
    return token


def organisation_register(
    *, name: str, contact: str, public_key: bytes, challenge: str, signature: bytes
) -> tuple[Organisation, str]:
    """Register an organisation by its wallet's key; it waits for an operator. Registering again replaces the token.

    Args:
        name: as operators see it, at most 120 characters.
        contact: an e-mail address.
        public_key: of the wallet that will pay; the address follows from it.

    Raises:
        ChallengeInvalid: the challenge was not answered with this key.
    """
    if not name.strip() or len(name) > NAME_MAX:
        raise InputError(f"The name must have 1 to {NAME_MAX} characters.")
    tokens.challenge_check(challenge, public_key, signature)
    with transaction.atomic(using="market"):
        organisation, _ = Organisation.objects.update_or_create(
            public_key=public_key.hex(),
            defaults={"name": name.strip(), "contact": contact},
            create_defaults={"name": name.strip(), "contact": contact, "address": address_of(public_key).hex()},
        )
        MarketToken.objects.filter(organisation=organisation, revoked_at__isnull=True).update(revoked_at=timezone.now())
        token = tokens.token_new(MarketToken.Kind.ORGANISATION)
        MarketToken.objects.create(
            kind=MarketToken.Kind.ORGANISATION, digest=tokens.token_digest(token), organisation=organisation
        )
    return organisation, token


def organisation_accredit(*, organisation: Organisation, until: datetime, ledger: OperatorLedger) -> Organisation:
    """Let the organisation buy until ``until``: on the ledger first, then in the row. Renews and lifts a suspension."""
    if until <= timezone.now():
        raise InputError("The accreditation must end in the future.")
    same = organisation.status == Organisation.Status.ACCREDITED and organisation.accredited_until == until
    if not same:
        ledger.accredit(bytes.fromhex(organisation.address), round(until.timestamp() * 1000))
        Organisation.objects.filter(pk=organisation.pk).update(
            status=Organisation.Status.ACCREDITED, accredited_until=until, changed_at=timezone.now()
        )
        organisation.refresh_from_db()
    return organisation


def organisation_suspend(*, organisation: Organisation, ledger: OperatorLedger) -> Organisation:
    """Stop the organisation from buying; its open orders finish.

    Raises:
        OrganisationNotPending: it was never accredited, so there is nothing to suspend.
    """
    if organisation.status == Organisation.Status.PENDING:
        raise OrganisationNotPending("The organisation is not accredited.")
    if organisation.status == Organisation.Status.ACCREDITED:
        ledger.suspend(bytes.fromhex(organisation.address))
        Organisation.objects.filter(pk=organisation.pk).update(
            status=Organisation.Status.SUSPENDED, changed_at=timezone.now()
        )
        organisation.refresh_from_db()
    return organisation


def organisation_follow(*, address: bytes, accredited: bool) -> None:
    """The ledger says that an address was accredited or suspended, by whichever way an operator did it."""
    status = Organisation.Status.ACCREDITED if accredited else Organisation.Status.SUSPENDED
    Organisation.objects.filter(address=address.hex()).exclude(status=status).update(
        status=status, changed_at=timezone.now()
    )


def credits_grant(
    *, organisation: Organisation, amount: int, key: str, operator_id: int, ledger: OperatorLedger
) -> CreditGrant:
    """Mint credits into the organisation's wallet, once for each ``key``.

    If the ledger's answer was not seen, the grant stays SENDING and is not sent again by itself, since credits minted
    twice could not be taken back: the next call with its key, or ``grant_look``, looks for it on the ledger.

    Raises:
        InputError: the amount is out of range, or the key was used for another grant.
    """
    if not 1 <= amount <= GRANT_MAX:
        raise InputError(f"The amount must be 1 to {GRANT_MAX} credits.")
    if not 8 <= len(key) <= 64:
        raise InputError("The key of a grant must have 8 to 64 characters.")
    grant, _ = CreditGrant.objects.get_or_create(
        key=key, defaults={"organisation": organisation, "amount": amount, "operator_id": operator_id}
    )
    if (grant.organisation_id, grant.amount) != (organisation.pk, amount):
        raise InputError("This key was used for another grant.")
    height = ledger.height()
    claimed = CreditGrant.objects.filter(pk=grant.pk, state=CreditGrant.State.NEW).update(
        state=CreditGrant.State.SENDING, after_height=height
    )
    if claimed:
        _grant_send(grant, ledger)
    else:
        grant_look(grant=grant, ledger=ledger)
    grant.refresh_from_db()
    return grant


def grant_look(*, grant: CreditGrant, ledger: OperatorLedger) -> bool:
    """Look on the ledger for a grant whose answer was not seen; returns whether it was found there."""
    row = CreditGrant.objects.filter(pk=grant.pk, state=CreditGrant.State.SENDING)
    sent = row.first()
    if sent is None:
        return False
    address = bytes.fromhex(sent.organisation.address)
    known = set(CreditGrant.objects.filter(organisation=sent.organisation).values_list("tx_id", flat=True))
    for tx_id in ledger.mints(address, sent.amount, sent.after_height):
        if tx_id.hex() not in known:
            return bool(row.update(state=CreditGrant.State.DONE, tx_id=tx_id.hex(), done_at=timezone.now()))
    return False


def grant_again(*, grant: CreditGrant, ledger: OperatorLedger) -> None:
    """Send a grant again that an operator looked for in vain."""
    if not grant_look(grant=grant, ledger=ledger):
        CreditGrant.objects.filter(pk=grant.pk, state=CreditGrant.State.SENDING).update(after_height=ledger.height())
        _grant_send(grant, ledger)


def _grant_send(grant: CreditGrant, ledger: OperatorLedger) -> None:
    row = CreditGrant.objects.filter(pk=grant.pk, state=CreditGrant.State.SENDING)
    try:
        tx_id = ledger.mint(bytes.fromhex(grant.organisation.address), grant.amount)
    except Unavailable:
        raise
    except HearthError as refused:
        row.update(state=CreditGrant.State.REFUSED, refusal=refused.code, done_at=timezone.now())
        raise
    row.update(state=CreditGrant.State.DONE, tx_id=tx_id.hex(), done_at=timezone.now())
