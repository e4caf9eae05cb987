"""How passwords are hashed."""

from __future__ import annotations

from django.contrib.auth.hashers import Argon2PasswordHasher


class SmallArgon2Hasher(Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes, one lane: the first choice of OWASP's Password Storage Cheat Sheet.

    Django's own parameters take 100 MiB and eight threads for each log-in, which a small machine at home does not have
    to spare when several people log in at once. Older hashes are renewed at the next log-in.
    """

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1
