"""Addresses as people see them: bech32 (BIP-173) with the prefix ``hearth``."""

from __future__ import annotations

import bech32

from marketplace.common.errors import InputError

PREFIX = "hearth"
ADDRESS_BYTES = 20


class AddressInvalid(InputError):
    """The text is no Hearth address: a typing error, or an address of something else."""

    code = "address_invalid"
    title = "This is not a Hearth address"
    hint = "Copy the whole address; it begins with hearth1."


def address_text(address: bytes) -> str:
    """The text of a 20-byte address, with a checksum that finds up to four wrong letters. Raises ``AddressInvalid``."""
    if len(address) != ADDRESS_BYTES:
        raise AddressInvalid(f"An address has {ADDRESS_BYTES} bytes, not {len(address)}")
    return str(bech32.bech32_encode(PREFIX, bech32.convertbits(address, 8, 5) or []))


def address_parse(text: str) -> bytes:
    """The 20 bytes of an address text (all lower or all upper case). Raises ``AddressInvalid``."""
    prefix, groups = bech32.bech32_decode(text.strip())
    if prefix != PREFIX or groups is None:
        raise AddressInvalid
    data = bech32.convertbits(groups, 5, 8, False)
    if data is None or len(data) != ADDRESS_BYTES:
        raise AddressInvalid
    return bytes(data)
