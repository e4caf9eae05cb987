"""Where the cloud store lies: a folder, or an S3 bucket when ``HEARTH_STORE_BUCKET`` names one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from marketplace import env

TRIES, CONNECT_S, READ_S = 3, 5, 30


def lots_store(var: Path) -> dict[str, Any]:
    """Django's storage for sealed lots and sealed mail. ``var`` is the node's folder.

    For S3: ``HEARTH_STORE_ENDPOINT`` (empty: Amazon's), ``HEARTH_STORE_REGION``, ``HEARTH_STORE_ACCESS_KEY`` and
    ``HEARTH_STORE_SECRET_KEY`` (empty: what the machine's own role gives).
    """
    bucket, endpoint = env.text("HEARTH_STORE_BUCKET"), env.text("HEARTH_STORE_ENDPOINT")
    if not bucket:
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(var / "store"), "file_permissions_mode": 0o600},
        }
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": bucket,
            "endpoint_url": endpoint or None,
            "region_name": env.text("HEARTH_STORE_REGION") or None,
            "access_key": env.text("HEARTH_STORE_ACCESS_KEY") or None,
            "secret_key": env.text("HEARTH_STORE_SECRET_KEY") or None,
            "file_overwrite": True,
            "querystring_auth": True,
            "client_config": _client_config(own_endpoint=bool(endpoint)),
        },
    }


def _client_config(*, own_endpoint: bool) -> Any:
    """A store that hangs must not hold a worker: few tries, short waits. Stores of one's own seldom have a host name
    for each bucket. Imported only where S3 is used."""
    from botocore.config import Config

    return Config(
        signature_version="s3v4",
        s3={"addressing_style": "path" if own_endpoint else "auto"},
        retries={"total_max_attempts": TRIES},
        connect_timeout=CONNECT_S,
        read_timeout=READ_S,
    )
