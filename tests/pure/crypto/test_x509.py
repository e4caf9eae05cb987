"""Certificates: what they say, and that another home's, an altered, an early and a late one are each refused."""

from __future__ import annotations

import pytest
from cryptography import x509

from chain.crypto.secp256k1 import public_key
from chain.crypto.x509 import (
    CertificateForeign,
    CertificateMalformed,
    CertificateNotYet,
    CertificateOver,
    authority_create,
    certificate_check,
    certificate_issue,
    certificate_read,
)
from marketplace.common.errors import InputError

OWNER, OTHER, DEVICE = b"\x01" * 32, b"\x02" * 32, b"\x03" * 32
START, END, NOW = 1_700_000_000_000, 1_800_000_000_000, 1_750_000_000_000
AUTHORITY = authority_create(OWNER, "ab" * 8, START, END)


def issue(domain: str = "bridge-1", serial: int = 77) -> bytes:
    return certificate_issue(OWNER, AUTHORITY, public_key(DEVICE), serial, START, END, domain)


def test_a_certificate_says_key_serial_domain_and_validity():
    facts = certificate_check(issue(), AUTHORITY, NOW)
    assert facts.public_key == public_key(DEVICE)
    assert (facts.serial, facts.failure_domain, facts.simulated) == (77, "bridge-1", False)
    assert (facts.not_before_ms, facts.not_after_ms) == (START, END)
    assert facts.fingerprint != certificate_check(issue(serial=78), AUTHORITY, NOW).fingerprint


def test_a_declared_domain_is_marked_as_simulated():
    assert certificate_read(issue("simulated:host-3")).simulated


def test_the_same_facts_give_the_same_certificate():
    assert issue() == issue()


def test_a_certificate_holds_opaque_ids_only():
    names = [attribute.value for attribute in x509.load_der_x509_certificate(issue()).subject]
    names += [attribute.value for attribute in x509.load_der_x509_certificate(AUTHORITY).subject]
    assert all(set(str(name)) <= set("0123456789abcdef") for name in names)


def test_another_homes_certificate_is_foreign():
    foreign = authority_create(OTHER, "ab" * 8, START, END)
    with pytest.raises(CertificateForeign):
        certificate_check(issue(), foreign, NOW)


def test_an_altered_certificate_is_refused():
    altered = issue().replace(b"bridge-1", b"bridge-2")
    with pytest.raises(CertificateForeign):
        certificate_check(altered, AUTHORITY, NOW)


def test_time_is_checked_at_both_ends():
    with pytest.raises(CertificateNotYet):
        certificate_check(issue(), AUTHORITY, START - 1)
    with pytest.raises(CertificateOver):
        certificate_check(issue(), AUTHORITY, END + 1)


def test_an_authoritys_own_certificate_is_no_devices():
    with pytest.raises(CertificateMalformed):
        certificate_check(AUTHORITY, AUTHORITY, NOW)
    with pytest.raises(CertificateMalformed):
        certificate_check(b"nonsense", AUTHORITY, NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"failure_domain": "Anna's room"},
        {"failure_domain": ""},
        {"serial": 0},
        {"serial": 2**159},
        {"not_after_ms": START},
    ],
)
def test_facts_that_no_certificate_may_hold_are_refused(change):
    facts = {"serial": 1, "not_before_ms": START, "not_after_ms": END, "failure_domain": "x"} | change
    with pytest.raises(InputError):
        certificate_issue(OWNER, AUTHORITY, public_key(DEVICE), **facts)
    with pytest.raises(InputError):
        authority_create(OWNER, "Anna", START, END)
