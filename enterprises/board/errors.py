"""Why the board or a mailbox refuses something: each reason a class of its own."""

from __future__ import annotations

from marketplace.common.errors import Conflict, InputError, IntegrityFault, NotAllowed, NotFound, Unavailable

# Pseudonyms.


class PseudonymUnknown(NotFound):
    code = "pseudonym_unknown"
    title = "Nobody has registered this pseudonym here"


class PseudonymForeign(NotAllowed):
    code = "pseudonym_foreign"
    title = "This pseudonym is not one of yours"
    hint = "Register it with a signature of its key."


class PseudonymTaken(Conflict):
    code = "pseudonym_taken"
    title = "Another account has registered this pseudonym"


class PseudonymsTooMany(Conflict):
    code = "pseudonyms_too_many"
    title = "The account has as many pseudonyms as it may"
    hint = "Remove those whose training is over."


# Notices and answers.


class PlanUnreadable(InputError):
    code = "plan_unreadable"
    title = "The bytes are not a plan"


class NoticeUnknown(NotFound):
    code = "notice_unknown"
    title = "There is no notice for this plan"


class NoticeForeign(NotAllowed):
    code = "notice_foreign"
    title = "Another organisation posted this notice"


class NoticeTaken(Conflict):
    code = "notice_taken"
    title = "There is a notice for this plan already, with other words or by somebody else"
    hint = "A plan with another seed is another plan."


class NoticesTooMany(Conflict):
    code = "notices_too_many"
    title = "The organisation has as many open notices as it may"
    hint = "Close one first."


class NoticeClosed(Conflict):
    code = "notice_closed"
    title = "The notice is closed"


class NoticeNotAccredited(NotAllowed):
    code = "notice_not_accredited"
    title = "Only accredited organisations may post a notice"


class AnswerTaken(Conflict):
    code = "answer_taken"
    title = "This hub has answered the notice otherwise"
    hint = "Withdraw the answer first."


class PseudonymUsed(Conflict):
    code = "pseudonym_used"
    title = "This pseudonym answered another notice"
    hint = "Register a fresh one for each notice, so that jobs can't be linked."


# The mailbox.


class MailKeyInvalid(InputError):
    code = "mail_key_invalid"
    title = "The name is not one that a mailbox has"


class MailUnknown(NotFound):
    code = "mail_unknown"
    title = "There is no such object in the mailbox"


class MailNotAcquainted(NotAllowed):
    code = "mail_not_acquainted"
    title = "Mail passes only between an enterprise and those who answered its notice"


class MailObjectTooLarge(InputError):
    code = "mail_object_too_large"
    http_status = 413
    title = "The object is larger than allowed"


class MailHashWrong(IntegrityFault):
    code = "mail_hash_wrong"
    title = "The bytes that arrived are not those that were announced"
    hint = "Send the object again."


class MailShareFull(Conflict):
    code = "mail_share_full"
    title = "As much of yours lies in this mailbox as one sender may leave there"
    hint = "Wait until it is fetched, or take something back."


class MailStoreFull(Unavailable):
    code = "mail_store_full"
    http_status = 507
    title = "The mailbox is full"
    hint = "Try again when the other side has fetched its mail."


class MailStoreAway(Unavailable):
    code = "mail_store_away"
    title = "The store of the mailboxes does not answer"


class MailDamaged(IntegrityFault):
    code = "mail_damaged"
    title = "The stored bytes are not those that were sent"
    hint = "Delete the object and have it sent again."
