"""Why the channel between an enterprise and a hub refuses something: each reason a class of its own."""

from __future__ import annotations

from marketplace.common.errors import Conflict, InputError, IntegrityFault, NotAllowed, NotFound, Unavailable

# The store.


class StoreUnavailable(Unavailable):
    """The store did not do what it was asked; it is not known whether a write went through. Try again."""

    code = "store_unavailable"
    title = "The store of messages does not answer"


class KeyInvalid(InputError):
    code = "store_key_invalid"
    title = "The name is not one that the store takes"


class ObjectTooLarge(InputError):
    code = "store_object_too_large"
    title = "The object is larger than allowed"


# Names and paths.


class IdentityInvalid(InputError):
    code = "identity_invalid"
    title = "The name is not a pseudonym of a hub or an enterprise"


class PathInvalid(InputError):
    code = "path_invalid"
    title = "The path of the message is not usable"


# Sending.


class PeerNotApproved(NotAllowed):
    code = "peer_not_approved"
    title = "The other side is no approved peer"


class PathNotPermitted(NotAllowed):
    code = "path_not_permitted"
    title = "The other side may not have what lies under this path"


class MessageTooLarge(InputError):
    code = "message_too_large"
    title = "The message is larger than a mailbox takes"


class MailboxFull(Conflict):
    code = "mailbox_full"
    title = "The other side has not fetched its mail for too long"
    hint = "Wait until it does, or prune the rounds that are over."


# Receiving: an object with one of these faults is dropped, and the next one is read.


class MailFault(IntegrityFault):
    """An object in the mailbox is not a message that may be handled."""

    code = "mail_fault"
    title = "The object is not a message that may be handled"


class MailKeyStrange(MailFault):
    code = "mail_key"
    title = "The object's name is not that of a message"


class MailTooLarge(MailFault):
    code = "mail_too_large"
    title = "The object is larger than a message may be"


class MailUnreadable(MailFault):
    code = "mail_unreadable"
    title = "The object is no envelope, or a part of it is missing or changed"


class MailForged(MailFault):
    code = "mail_forged"
    title = "The envelope is not signed by the peer in whose place it lies"


class MailOtherRecipient(MailFault):
    code = "mail_other_recipient"
    title = "The envelope is for somebody else"


class LetterMalformed(MailFault):
    code = "mail_malformed"
    title = "The envelope does not hold a message"


class LetterMisaddressed(MailFault):
    code = "mail_misaddressed"
    title = "The message names another sender or recipient than its envelope"


class LetterReplayed(MailFault):
    code = "mail_replayed"
    title = "A message with this number was taken before"


class LetterPathRefused(MailFault):
    code = "mail_path"
    title = "The message's path is not usable"


class LetterNotPermitted(MailFault):
    code = "mail_not_permitted"
    title = "The sender may not write under this path"


class LetterPast(MailFault):
    code = "mail_round_past"
    title = "The message belongs to a round that is over"


# Peers and nodes.


class PeerNotPinned(NotAllowed):
    code = "peer_not_pinned"
    title = "The ledger names no key of this peer, or another one"


class NodeBusy(Conflict):
    code = "node_busy"
    title = "Another process has this node open"


class NodeDamaged(IntegrityFault):
    code = "node_damaged"
    title = "A file of the node is damaged or belongs to another identity"
    hint = "Move the folder away. The node then makes new keys, which must be put on the ledger."


# Datasets.


class DatasetNameInvalid(InputError):
    code = "dataset_name_invalid"
    title = "The name is not one that a dataset can have"


class DatasetUnknown(NotFound):
    code = "dataset_unknown"
    title = "There is no such dataset here"


class MockFileRefused(InputError):
    code = "mock_file_refused"
    title = "A mock holds plain .npy and .csv files of numbers and nothing else"


class MockMalformed(MailFault):
    code = "mock_malformed"
    title = "The message does not hold a mock"
