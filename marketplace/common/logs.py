"""What may stand in a log line. Imported by the settings, so it knows nothing of Django."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

_SECRET_WORDS = (
    "secret", "password", "passphrase", "token", "mnemonic", "words", "seed", "private", "authorization", "cookie",
    "keystore", "reading", "value", "email",
)  # fmt: skip
_FOR_THE_RENDERER = {"exc_info", "_record", "_from_structlog"}
REMOVED = "[removed]"


def redact(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: drops bytes, and what stands under a name that a secret or a reading could have."""
    for key in list(event):
        if key not in _FOR_THE_RENDERER:
            event[key] = _clean(key, event[key])
    return event


def _clean(key: str, value: Any) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return REMOVED
    if any(word in key.lower() for word in _SECRET_WORDS):
        return REMOVED
    if isinstance(value, Mapping):
        return {name: _clean(str(name), inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(key, inner) for inner in value]
    return value
