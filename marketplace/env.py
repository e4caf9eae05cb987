"""Settings from the environment, read once, with an error that says which variable is wrong and what it should be.

Nothing here has a side effect except ``secret``, which in the demo makes a random secret once and keeps it in a file
that only the owner can read. Values of secrets never stand in an error.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", ""}
ROLES = ("home", "market", "enterprise")
ALIASES_OF_ROLE = {"home": ("home",), "market": ("market", "ledger"), "enterprise": ("enterprise",)}
SOCKET_PATH_MAX = 100  # a Unix socket's path holds 108 bytes on Linux, some need room for a suffix


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, default).strip()


def flag(name: str, default: bool) -> bool:
    value = os.environ.get(name)
    if value is None:
        return default
    if value.strip().lower() in TRUE:
        return True
    if value.strip().lower() in FALSE:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")


def integer(name: str, default: int, *, at_least: int = 0) -> int:
    value = os.environ.get(name)
    if value is None or not value.strip():
        return default
    try:
        number = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from None
    if number < at_least:
        raise ImproperlyConfigured(f"{name} must be at least {at_least}, not {number}.")
    return number


def words(name: str, default: str = "") -> tuple[str, ...]:
    """A comma-separated list without the empty entries."""
    return tuple(word.strip() for word in os.environ.get(name, default).split(",") if word.strip())


def roles(name: str = "HEARTH_ROLES") -> tuple[str, ...]:
    """Which of home, market and enterprise this deployment plays."""
    chosen = words(name, ",".join(ROLES))
    unknown = sorted(set(chosen) - set(ROLES))
    if unknown or not chosen:
        raise ImproperlyConfigured(
            f"{name} must name some of {', '.join(ROLES)}; it says {', '.join(unknown) or 'nothing'}."
        )
    return tuple(role for role in ROLES if role in chosen)


def secret(name: str, file: Path, *, demo: bool) -> str:
    """The secret ``name``; in the demo, where it is missing, one made at random and kept in ``file`` (0600)."""
    value = os.environ.get(name, "")
    if value:
        return value
    if not demo:
        raise ImproperlyConfigured(
            f"{name} is not set. Outside the demo Hearth does not start without it: "
            f'set it to the output of python -c "import secrets; print(secrets.token_urlsafe(48))".'
        )
    return _kept_in(file)


def _kept_in(file: Path) -> str:
    """Read the secret in ``file``, or make it; of two processes that start at once, both read the same one."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not file.exists():
        handle, aside = tempfile.mkstemp(dir=file.parent)  # mkstemp makes it 0600
        with os.fdopen(handle, "w") as out:
            out.write(secrets.token_urlsafe(48))
        try:
            os.link(aside, file)  # unlike rename, refuses to replace the other process's file
        except FileExistsError:
            pass
        finally:
            Path(aside).unlink()
    return file.read_text().strip()


def socket_path(name: str, default: Path) -> str:
    """The path of a Unix socket: the variable ``name``, or ``default`` if that is short enough."""
    return text(name) or short_socket_path(default)


def short_socket_path(wanted: Path) -> str:
    """``wanted``, or if that is too long for the system a path in a private folder under /tmp, always the same."""
    if len(os.fsencode(wanted)) <= SOCKET_PATH_MAX:
        return str(wanted)
    folder = Path(tempfile.gettempdir()) / f"hearth-{hashlib.sha256(os.fsencode(wanted)).hexdigest()[:16]}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return str(folder / wanted.name)


def databases(var: Path, chosen_roles: tuple[str, ...], *, environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """One database for ``default`` and for each alias of the roles.

    ``DATABASE_URL`` is that of ``default``; ``DATABASE_URL_MARKET``, ``_LEDGER``, ``_HOME`` and ``_ENTERPRISE`` are
    those of the others; where one is missing it is a SQLite file in ``var``.

    Raises:
        ImproperlyConfigured: a URL is of another kind, or two aliases lead to the same database.
    """
    aliases = ("default", *(alias for role in chosen_roles for alias in ALIASES_OF_ROLE[role]))
    found: dict[str, Any] = {}
    places: dict[tuple[str, ...], str] = {}
    for alias in aliases:
        name = "DATABASE_URL" if alias == "default" else f"DATABASE_URL_{alias.upper()}"
        config = database(environ.get(name, "").strip() or f"sqlite:///{var / f'{alias}.sqlite3'}", name)
        place = tuple(str(config.get(key, "")) for key in ("ENGINE", "HOST", "PORT", "NAME"))
        if place in places:
            raise ImproperlyConfigured(
                f"The databases {places[place]} and {alias} are the same one. Hearth keeps them apart, so that home "
                f"data never mixes with the market's: give {name} a URL of its own."
            )
        places[place] = alias
        found[alias] = config
    return found


def redis_urls(url: str, count: int) -> tuple[str, ...]:
    """So many databases of the Redis at ``redis://``, ``rediss://user:password@host:port/first?option=value``, from
    ``first`` (0 if it is not said) on.

    Raises:
        ImproperlyConfigured: the URL is of another kind, or ``first`` is no number.
    """
    parts = urlsplit(url)
    first = parts.path.strip("/") or "0"
    if parts.scheme not in ("redis", "rediss") or not parts.hostname or not first.isdecimal():
        raise ImproperlyConfigured("REDIS_URL must be like redis://host:6379/0 (rediss:// for TLS).")
    return tuple(parts._replace(path=f"/{int(first) + number}").geturl() for number in range(count))


def database(url: str, name: str) -> dict[str, Any]:
    """Django's settings for a ``sqlite:///path`` or ``postgres://user:password@host:port/name?option=value`` URL."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return sqlite(Path(unquote(parts.path.removeprefix("/"))).resolve())
    if parts.scheme in ("postgres", "postgresql"):
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.lstrip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": parts.hostname or "",
            "PORT": str(parts.port or 5432),
            "CONN_MAX_AGE": 60,
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": dict(parse_qsl(parts.query)),
        }
    raise ImproperlyConfigured(f"{name} must begin with sqlite:/// or postgres://, not {parts.scheme or 'nothing'}.")


def sqlite(path: Path) -> dict[str, Any]:
    """SQLite that many processes may write: IMMEDIATE transactions and the WAL; without both, writers meet "locked".

    Opening a connection costs more than most queries, so a thread keeps its own for a while, as with PostgreSQL.
    """
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "CONN_MAX_AGE": 60,
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA busy_timeout=20000;",
        },
    }
