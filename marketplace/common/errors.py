"""The one tree of errors.

Every refusal in Hearth is a class of its own with a stable ``code``. The API answers it as RFC 9457 problem details,
pages show ``detail`` and ``hint``, and ledgers keep the code in a receipt. This module imports nothing, so the pure
packages may use it.
"""

from __future__ import annotations


class HearthError(Exception):
    """Something was refused, for a reason that the caller can read.

    ``code`` is stable and machine-readable, ``http_status`` is what the API answers, ``title`` says what kind of thing
    happened, ``detail`` (the first argument) what happened this time, and ``hint`` what to do about it. None of the
    texts may hold a secret, a reading or a name.
    """

    code = "error"
    http_status = 400
    title = "The request was refused"
    hint = ""

    def __init__(self, detail: str = "", *, hint: str = "") -> None:
        self.detail = detail or self.title
        if hint:
            self.hint = hint
        super().__init__(self.detail)


class InputError(HearthError):
    """What the caller sent is malformed."""

    code = "input_invalid"
    title = "The input is not valid"


class NotAllowed(HearthError):
    """The caller is known but may not do this."""

    code = "not_allowed"
    http_status = 403
    title = "You may not do this"


class NotFound(HearthError):
    """There is no such thing, or the caller may not know that there is."""

    code = "not_found"
    http_status = 404
    title = "There is no such thing here"


class Conflict(HearthError):
    """The thing is in a state in which this can't be done."""

    code = "conflict"
    http_status = 409
    title = "This can't be done in the present state"


class Unavailable(HearthError):
    """A part that is needed does not answer; trying again later may work."""

    code = "unavailable"
    http_status = 503
    title = "A part of Hearth does not answer"
    hint = "Try again in a moment."


class IntegrityFault(HearthError):
    """Stored or received data contradicts its own hashes or signatures."""

    code = "integrity_fault"
    http_status = 422
    title = "The data contradicts its own proofs"
