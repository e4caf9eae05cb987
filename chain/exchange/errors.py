"""Why a lot, its object or a handover is refused: each reason a class of its own, so that a buyer knows what to do."""

from __future__ import annotations

from marketplace.common.errors import InputError, IntegrityFault


class LotFault(IntegrityFault):
    """A lot's object, keys or manifest contradict its digest."""

    code = "lot_fault"
    title = "The lot contradicts its digest"


class RowsInvalid(InputError):
    """Rows do not fit their columns, or a lot's limits."""

    code = "rows_invalid"
    title = "The rows do not fit their columns"


class ManifestTooLarge(InputError):
    code = "manifest_too_large"
    title = "The manifest does not fit into a chunk"


class ChunksInvalid(InputError):
    code = "chunks_invalid"
    title = "The chunks are too few, too large or not of one length"


# The object, checked before paying.


class ObjectMalformed(LotFault):
    code = "object_malformed"
    title = "The stored object is not a lot, or a part of it is missing"


class ChunkCountWrong(LotFault):
    code = "object_chunk_count"
    title = "The object has another number of chunks than the digest says"


class CipherListWrong(LotFault):
    code = "object_cipher_list"
    title = "The object's list of chunk leaves is not the one that the digest commits to"


class PlainListWrong(LotFault):
    code = "object_plain_list"
    title = "The object's list of plaintext leaves is not the one that the digest commits to"


class KeyListWrong(LotFault):
    code = "object_key_list"
    title = "The object's list of key leaves is not the one that the digest commits to"


class IndexedFault(LotFault):
    """A fault of one chunk; ``index`` says which."""

    def __init__(self, index: int) -> None:
        super().__init__(f"{self.title} (chunk {index})")
        self.index = index


class ChunkAltered(IndexedFault):
    code = "object_chunk_altered"
    title = "A stored chunk is not the one that its leaf commits to"


# After the key was handed over: what a complaint can prove.


class SecretWrong(LotFault):
    code = "lot_secret_wrong"
    title = "The secret is not the lot's"


class BadKeyList(IndexedFault):
    """``complaint_key`` proves this to the contract."""

    code = "lot_bad_key_list"
    title = "The lot's list of keys is not that of its secret"


class BadChunk(IndexedFault):
    """``complaint_chunk`` proves this to the contract."""

    code = "lot_bad_chunk"
    title = "A chunk does not open to what its plaintext leaf commits to"


class PreviewKeyWrong(IndexedFault):
    code = "preview_key_wrong"
    title = "A key of the preview is not the one that the lot commits to"


# The handover.


class HandoverFault(LotFault):
    code = "handover_fault"
    title = "The handover of the key does not add up"


class SealedPointUnopened(HandoverFault):
    code = "handover_sealed_r"
    title = "The buyer's sealed number can't be opened with the lot's key"


class PointMismatch(HandoverFault):
    code = "handover_point"
    title = "The buyer's sealed number does not belong to the order's point"


class AnswerMismatch(HandoverFault):
    code = "handover_answer"
    title = "The seller's answer does not belong to the points of lot and order"


# The manifest and its quorum certificate.


class ManifestMalformed(LotFault):
    code = "manifest_malformed"
    title = "The manifest can't be read"


class ManifestContradicts(LotFault):
    code = "manifest_contradicts"
    title = "The manifest says something else than the digest"


class FactsNotSigned(LotFault):
    code = "facts_not_signed"
    title = "The manifest says something else of the rows than the home's devices signed"


class CertificateValidators(LotFault):
    code = "certificate_validators"
    title = "The certificate's voters are not those of its block"


class CertificateStranger(LotFault):
    code = "certificate_stranger"
    title = "The certificate holds a vote of somebody who is no voter"


class CertificateDoubleVote(LotFault):
    code = "certificate_double_vote"
    title = "The certificate counts a voter twice"


class CertificateSignature(LotFault):
    code = "certificate_signature"
    title = "A vote in the certificate is not signed by its voter"


class CertificateNoQuorum(LotFault):
    code = "certificate_no_quorum"
    title = "Too few of the home's voters stand by these rows"


class LabelTooHigh(LotFault):
    code = "label_too_high"
    title = "The label claims more than the certificate shows"


class CertificateContested(LotFault):
    code = "certificate_contested"
    title = "Devices of the home that could compare these rows did not bear them out"


class SupportTooHigh(LotFault):
    code = "support_too_high"
    title = "The lot claims to be corroborated, and the certificate does not show it"


class VotersTooMany(LotFault):
    code = "voters_too_many"
    title = "The digest claims more voters than the certificate shows"
