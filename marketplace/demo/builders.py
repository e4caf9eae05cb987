"""Make the demo: accounts, homes, enterprises, and what their devices are told. Everything goes through services.

Calling it again changes nothing that is there.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from enterprises.checkout import selectors as checkout
from enterprises.checkout.services import enterprise_sign_up
from enterprises.errors import NotMember
from enterprises.partners import selectors as partners
from enterprises.partners.operator import operator_ledger
from enterprises.partners.services import credits_grant, organisation_accredit
from households.errors import NoHousehold
from households.models import Household
from households.services.households import consent_give, household_create, household_of, household_update
from households.services.pairing import pairing_code_create
from households.services.rules import rule_set
from households.services.wallets import WORDS_ASKED, wallet_confirm_words
from marketplace.accounts.models import Kind, User
from marketplace.accounts.services import user_create
from marketplace.common.licences import CONSENT, COPY, current
from marketplace.demo.client import wait_until
from marketplace.demo.devices import devices_url
from marketplace.demo.homes import (
    BATCH_EVERY_S,
    CELL,
    ENTERPRISES,
    HOMES,
    INTERVAL_MS,
    LOAD_DAYS,
    OPERATOR_EMAIL,
    PASSWORD,
    UPLOAD_MS,
    DemoHome,
    agent_of,
)
from marketplace.demo.loads import load_file

EXPIRY_DAYS = 30
CODE_LIFE = timedelta(days=1)
REGISTRATION_S = 30.0
ACCREDITED = timedelta(days=365)


def operator_ensure() -> User:
    """The market's operator."""
    return _user(OPERATOR_EMAIL, Kind.OPERATOR)


def demo_build(*, url: str, devices_file: Path) -> list[tuple[str, str]]:
    """Make what is missing of the demo and write what the devices' host is told; the log-ins with what each is.

    The ledger node and a worker must run.
    """
    operator = operator_ensure()
    for email, name, credits in ENTERPRISES:
        _enterprise(email, name, credits, operator)
    agents: list[dict[str, Any]] = []
    for home in HOMES:
        household = _home(home)
        agents += _agents(home, household, url, devices_file.parent / "agents")
    devices_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    devices_file.write_text(json.dumps({"devices": agents}))
    devices_file.chmod(0o600)
    return [
        *((home.email, f"owner of {home.name}") for home in HOMES),
        *((email, f"buys for {name}") for email, name, _ in ENTERPRISES),
        (OPERATOR_EMAIL, "operator of the market"),
    ]


def _user(email: str, kind: Kind) -> User:
    found = User.objects.filter(email=email).first()
    return found or user_create(email=email, password=PASSWORD, kind=kind, check_password=False)


def _home(plan: DemoHome) -> Household:
    owner = _user(plan.email, Kind.OWNER)
    try:
        return household_of(owner.pk)
    except NoHousehold:
        pass
    household, words = household_create(
        owner_id=owner.pk,
        cell=CELL,
        passphrase=PASSWORD,
        name=plan.name,
        schedule=f"every {BATCH_EVERY_S}s",
        auto_accept=True,
    )
    first = dict(enumerate(words.split()[:WORDS_ASKED], start=1))
    wallet_confirm_words(household=household, positions=first, passphrase=PASSWORD)
    household = household_update(household=household, interval_ms=INTERVAL_MS, upload_ms=UPLOAD_MS)
    consent_give(household=household, text_name=current(CONSENT).name)
    for device_class, (level, price) in plan.shared.items():
        rule_set(
            household=household,
            device_class=device_class,
            share=True,
            level=level,
            price=price,
            licence=COPY,
            expiry_days=EXPIRY_DAYS,
        )
    return household


def _agents(plan: DemoHome, household: Household, url: str, folder: Path) -> list[dict[str, Any]]:
    """A new code each time: devices that are enrolled do not use it, and those that failed to enrol still can."""
    code = pairing_code_create(household=household, uses=len(plan.devices), life=CODE_LIFE)
    place = devices_url(url, str(household.pk))
    load = load_file(folder / "loads", seed=plan.seed, people=plan.people, days=LOAD_DAYS)
    return [agent_of(plan, device, url=place, folder=str(folder), code=code, load=str(load)) for device in plan.devices]


def _enterprise(email: str, name: str, credits: int, operator: User) -> None:
    member = _user(email, Kind.ENTERPRISE)
    try:
        enterprise = checkout.member_of(member.pk).enterprise
    except NotMember:
        enterprise = enterprise_sign_up(user_id=member.pk, name=name, contact=email)
    address = enterprise.wallet.address
    organisation = wait_until(
        lambda: partners.organisations().filter(address=address).first(), f"{name} at the market", REGISTRATION_S
    )
    if organisation.status == organisation.Status.PENDING:
        ledger = operator_ledger()
        organisation_accredit(organisation=organisation, until=timezone.now() + ACCREDITED, ledger=ledger)
        credits_grant(
            organisation=organisation, amount=credits, key=f"demo-{address}", operator_id=operator.pk, ledger=ledger
        )


def market_url() -> str:
    """Where this deployment answers."""
    return f"http://127.0.0.1:{settings.HEARTH_PORT}"
