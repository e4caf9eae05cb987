"""What the market's sweep does for the board; each part may be lost or repeated without harm."""

from __future__ import annotations

from typing import Final

from django.core.cache import cache

from enterprises.board.mail import mail_sweep
from enterprises.board.notices import notices_close_due
from enterprises.board.pseudonyms import pseudonyms_forget

FORGET_EVERY_S: Final = 3600


def board_sweep() -> None:
    """Remove mail that has expired or was left half done, close notices whose time is over, forget old pseudonyms."""
    mail_sweep()
    notices_close_due()
    if cache.add("hearth:board:forget", 1, timeout=FORGET_EVERY_S):
        pseudonyms_forget()
