"""The quorum certificate in a manifest: what a buyer needs to check, offline, who stood by the rows (protocols.md 1).

The header commits to the voters and their failure domains, each vote signs the header's hash and the voter's ballot.
The ballots' plain roots are alike, so they are kept once, and verdicts are kept by position; from both every ballot is
rebuilt byte by byte before its signature is checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec

from chain.consensus.ballot import (
    CONTESTED,
    BallotExtra,
    Outcome,
    PlainRoot,
    ReasonCode,
    Verdict,
    ballot_decode,
    ballot_encode,
    series_tally,
)
from chain.consensus.quorum import domain_count, label_for
from chain.core.blocks import validators_hash
from chain.core.errors import Malformed
from chain.core.finality import vote_valid
from chain.core.types import Hash, Header, PublicKey, Record, Signature, Uint, Validator, Vote
from chain.exchange.errors import (
    CertificateContested,
    CertificateDoubleVote,
    CertificateNoQuorum,
    CertificateSignature,
    CertificateStranger,
    CertificateValidators,
    ManifestMalformed,
)

SUPPORTS = ("plausible", "corroborated")
SIMULATED_PREFIX = "simulated:"

Position = Annotated[int, msgspec.Meta(ge=0, le=65_535)]


class CertifiedVote(Record):
    """One voter's signature and verdicts; a verdict is (position in ``QuorumCertificate.series``, outcome, reason)."""

    validator: PublicKey
    signature: Signature
    verdicts: tuple[tuple[Position, Outcome, ReasonCode], ...]


class QuorumCertificate(Record):
    """The votes over one block of a device ledger.

    ``genesis`` is the ledger's identity, ``header`` the block's head (height, previous hash, voters' hash), ``round``
    the round of the votes; ``validators`` all who might vote, with their failure domains; ``series`` the sorted ids
    that any verdict names; ``plain_roots`` what all the votes here say alike. Votes are in rising order of key.
    """

    genesis: Hash
    header: Header
    round: Uint
    validators: tuple[Validator, ...]
    series: tuple[Hash, ...]
    plain_roots: tuple[PlainRoot, ...]
    votes: tuple[CertifiedVote, ...]


@dataclass(frozen=True, slots=True)
class Attestation:
    """What a checked certificate shows of one series.

    ``voters`` is the number of failure domains, ``standing`` how many of them stand by the rows; ``label`` and
    ``support`` are the most that may be claimed; ``simulated`` that a domain is declared for a demonstration only.
    """

    voters: int
    standing: int
    approvals: int
    comparable: int
    label: str
    support: str
    simulated: bool


def certificate_new(
    genesis: bytes, header: Header, validators: Sequence[Validator], votes: Sequence[Vote]
) -> QuorumCertificate:
    """The certificate of the votes over a block; votes with other plain roots than most are left out.

    Raises ``Malformed`` if a vote's extra bytes are no ballot, ``CertificateNoQuorum`` if there are no votes of one
    round.
    """
    if len({vote.round for vote in votes}) != 1:
        raise CertificateNoQuorum
    ballots = {vote.validator: ballot_decode(vote.extra) for vote in votes}
    counted: dict[tuple[PlainRoot, ...], int] = {}
    for ballot in ballots.values():
        counted[ballot.plain_roots] = counted.get(ballot.plain_roots, 0) + 1
    plain_roots = max(counted, key=lambda roots: (counted[roots], roots))
    alike = sorted((vote for vote in votes if ballots[vote.validator].plain_roots == plain_roots), key=_voter)
    series = sorted({verdict.series_id for vote in alike for verdict in ballots[vote.validator].verdicts})
    place = {series_id: position for position, series_id in enumerate(series)}
    return QuorumCertificate(
        genesis=genesis,
        header=header,
        round=votes[0].round,
        validators=tuple(sorted(validators, key=lambda validator: validator.key)),
        series=tuple(series),
        plain_roots=plain_roots,
        votes=tuple(
            CertifiedVote(
                validator=vote.validator,
                signature=vote.signature,
                verdicts=tuple((place[v.series_id], v.outcome, v.reason) for v in ballots[vote.validator].verdicts),
            )
            for vote in alike
        ),
    )


def certificate_check(certificate: QuorumCertificate, roots: PlainRoot, comparable: Sequence[bytes]) -> Attestation:
    """Verify voters, signatures and quorum, and say what the certificate shows of the series with these roots.

    ``comparable`` names, for each registered comparable device other than the series' own, the voter that speaks for
    it. Raises ``CertificateValidators``, ``CertificateStranger``, ``CertificateDoubleVote``, ``CertificateSignature``,
    ``CertificateNoQuorum`` or ``CertificateContested``.
    """
    header = certificate.header
    if validators_hash(certificate.validators) != header.validators_hash:
        raise CertificateValidators
    if header.height == 1 and header.previous != certificate.genesis:
        raise CertificateValidators("The block does not follow from its ledger's genesis")
    ballots = _ballots_verified(certificate)
    tally = series_tally(certificate.validators, ballots, roots, comparable)
    if not tally.quorum:
        raise CertificateNoQuorum
    if tally.support == CONTESTED:
        raise CertificateContested
    return Attestation(
        voters=tally.voters,
        standing=tally.standing,
        approvals=tally.approvals,
        comparable=tally.comparable,
        label=label_for(domain_count(certificate.validators)),
        support=tally.support,
        simulated=any(validator.domain.startswith(SIMULATED_PREFIX) for validator in certificate.validators),
    )


def _ballots_verified(certificate: QuorumCertificate) -> dict[bytes, BallotExtra]:
    known = {validator.key for validator in certificate.validators}
    ballots: dict[bytes, BallotExtra] = {}
    for certified in certificate.votes:
        if certified.validator not in known:
            raise CertificateStranger
        if certified.validator in ballots:
            raise CertificateDoubleVote
        ballot = _ballot_rebuilt(certificate, certified)
        vote = Vote(certified.validator, certificate.round, ballot_encode(ballot), certified.signature)
        if not vote_valid(certificate.header, vote):
            raise CertificateSignature
        ballots[certified.validator] = ballot
    return ballots


def _ballot_rebuilt(certificate: QuorumCertificate, certified: CertifiedVote) -> BallotExtra:
    series = certificate.series
    if any(position >= len(series) for position, _, _ in certified.verdicts):
        raise ManifestMalformed("A verdict names no series")
    verdicts = tuple(Verdict(series[position], outcome, reason) for position, outcome, reason in certified.verdicts)
    ballot = BallotExtra(certificate.plain_roots, verdicts)
    try:
        return ballot_decode(ballot_encode(ballot))
    except Malformed:
        raise ManifestMalformed("The verdicts of a ballot are out of order") from None


def _voter(vote: Vote) -> bytes:
    return vote.validator
