"""Certificates of a home's devices (RFC 5280): a home is its own authority, keys are secp256k1, and nobody has a name.

The failure domain (the host or bridge that a voter depends on) is a private, non-critical extension holding a
UTF8String. Its identifier is a UUID-based one (ITU-T X.667: version 5 of "hearth"), which needs no registration.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID, ObjectIdentifier

from chain.crypto.hashing import sha256
from marketplace.common.errors import InputError, IntegrityFault

FAILURE_DOMAIN_OID = ObjectIdentifier("2.25.137981320272918652580738099761873568757")
SIMULATED_PREFIX = "simulated:"
_DOMAIN = re.compile(r"[a-z0-9][a-z0-9:._-]{0,63}")
_NAME_ID = re.compile(r"[0-9a-f]{8,64}")
_MAX_SERIAL_BITS = 159


class CertificateMalformed(InputError):
    """The bytes are no certificate of the kind that homes issue."""

    code = "certificate_malformed"
    title = "The certificate is malformed"


class CertificateForeign(IntegrityFault):
    """Another authority issued the certificate, or it was changed."""

    code = "certificate_foreign"
    title = "The certificate was not issued by this home"


class CertificateNotYet(IntegrityFault):
    code = "certificate_not_yet"
    title = "The certificate is not valid yet"


class CertificateOver(IntegrityFault):
    code = "certificate_over"
    title = "The certificate has run out"


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a checked certificate says. Times are milliseconds since 1970; the fingerprint is the SHA-256 of the DER."""

    public_key: bytes
    serial: int
    fingerprint: bytes
    failure_domain: str
    not_before_ms: int
    not_after_ms: int

    @property
    def simulated(self) -> bool:
        """Whether the failure domain is declared for a demonstration only."""
        return self.failure_domain.startswith(SIMULATED_PREFIX)


def authority_create(secret: bytes, name_id: str, not_before_ms: int, not_after_ms: int) -> bytes:
    """The self-signed certificate (DER) of a home's authority.

    ``name_id`` is an opaque hexadecimal id of the home, never a name. Raises ``InputError``.
    """
    if not _NAME_ID.fullmatch(name_id):
        raise InputError("An authority's id is 8 to 64 hexadecimal digits")
    key = _private(secret)
    name = _name(name_id)
    builder = _builder(name, name, key.public_key(), 1, not_before_ms, not_after_ms)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    return _signed(builder, key)


def certificate_issue(
    authority_secret: bytes,
    authority_der: bytes,
    device_public: bytes,
    serial: int,
    not_before_ms: int,
    not_after_ms: int,
    failure_domain: str,
) -> bytes:
    """A device's certificate (DER), signed by the home's authority.

    ``device_public`` is the device's compressed identity key, ``serial`` a fresh number of at most 159 bits,
    ``failure_domain`` an opaque id (``simulated:`` first when it is only declared). Raises ``InputError``.
    """
    if not _DOMAIN.fullmatch(failure_domain):
        raise InputError("A failure domain is 1 to 64 letters, digits and : . _ -")
    if not 0 < serial < 2**_MAX_SERIAL_BITS:
        raise InputError("A serial number has 1 to 159 bits")
    issuer = _parsed(authority_der).subject
    subject = _name(sha256(device_public)[:16].hex())
    builder = _builder(subject, issuer, _public(device_public), serial, not_before_ms, not_after_ms)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    domain = failure_domain.encode("ascii")
    extension = x509.UnrecognizedExtension(FAILURE_DOMAIN_OID, b"\x0c" + bytes([len(domain)]) + domain)
    return _signed(builder.add_extension(extension, critical=False), _private(authority_secret))


def certificate_check(der: bytes, authority_der: bytes, at_ms: int) -> CertificateFacts:
    """What the certificate says, after its signature and validity at ``at_ms`` have been verified.

    Raises ``CertificateMalformed``, ``CertificateForeign``, ``CertificateNotYet`` or ``CertificateOver``.
    """
    certificate = _parsed(der)
    try:
        certificate.verify_directly_issued_by(_parsed(authority_der))
    except (InvalidSignature, ValueError, TypeError):
        raise CertificateForeign from None
    facts = certificate_read(der)
    if at_ms < facts.not_before_ms:
        raise CertificateNotYet
    if at_ms > facts.not_after_ms:
        raise CertificateOver
    return facts


def certificate_read(der: bytes) -> CertificateFacts:
    """What a certificate claims, with nothing verified; raises ``CertificateMalformed``."""
    certificate = _parsed(der)
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256K1):
        raise CertificateMalformed("The certificate's key is not on secp256k1")
    return CertificateFacts(
        public_key=key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint),
        serial=certificate.serial_number,
        fingerprint=sha256(der),
        failure_domain=_failure_domain(certificate),
        not_before_ms=_ms(certificate.not_valid_before_utc),
        not_after_ms=_ms(certificate.not_valid_after_utc),
    )


def _failure_domain(certificate: x509.Certificate) -> str:
    try:
        extension = certificate.extensions.get_extension_for_oid(FAILURE_DOMAIN_OID).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        raise CertificateMalformed("The certificate names no failure domain") from None
    value = extension.value if isinstance(extension, x509.UnrecognizedExtension) else b""
    text = value[2:].decode("ascii", errors="replace")
    if value[:1] != b"\x0c" or value[1:2] != bytes([len(value) - 2]) or not _DOMAIN.fullmatch(text):
        raise CertificateMalformed("The certificate's failure domain is malformed")
    return text


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    serial: int,
    not_before_ms: int,
    not_after_ms: int,
) -> x509.CertificateBuilder:
    if not_after_ms <= not_before_ms:
        raise InputError("A certificate ends after it begins")
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(serial)
        .not_valid_before(_moment(not_before_ms))
        .not_valid_after(_moment(not_after_ms))
    )


def _signed(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> bytes:
    # Deterministic signatures (RFC 6979): no randomness is drawn, and the same facts give the same certificate.
    return builder.sign(key, SHA256(), ecdsa_deterministic=True).public_bytes(Encoding.DER)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _private(secret: bytes) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(secret, "big"), ec.SECP256K1())


def _public(compressed: bytes) -> ec.EllipticCurvePublicKey:
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), compressed)
    except ValueError:
        raise InputError("The device's key is not a point of secp256k1") from None


def _parsed(der: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError:
        raise CertificateMalformed from None


def _moment(ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(ms // 1000, tz=dt.UTC)


def _ms(moment: dt.datetime) -> int:
    return int(moment.timestamp()) * 1000
