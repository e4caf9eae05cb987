"""What a buyer concludes from a quorum certificate, and that nothing in it can be altered, added or left out."""

from __future__ import annotations

import msgspec
import pytest

from chain.consensus.ballot import ABSTAIN, APPROVE, REJECT, PlainRoot
from chain.core.types import Validator
from chain.crypto.hashing import sha256
from chain.crypto.secp256k1 import public_key
from chain.exchange import errors
from chain.exchange.certificate import certificate_new
from chain.exchange.manifest import Manifest, facts_hash, manifest_check, manifest_decode, manifest_encode
from tests.pure.exchange.world import COLUMNS, GENESIS, World, voters_of, votes_of, world_new

WORLD = world_new()
replace = msgspec.structs.replace


def check(world: World, manifest: Manifest | None = None):
    return manifest_check(manifest or world.manifest, world.digest, world.secrets.lot_id)


def with_certificate(**changes: object) -> Manifest:
    return replace(WORLD.manifest, certificate=replace(WORLD.manifest.certificate, **changes))


def test_an_honest_manifest_shows_voters_approvals_and_label():
    shown = check(WORLD)
    assert (shown.voters, shown.standing, shown.approvals, shown.comparable) == (4, 4, 3, 3)
    assert (shown.label, shown.support, shown.simulated) == ("bft-verified", "corroborated", False)


def test_a_manifest_reads_back_and_other_bytes_do_not():
    data = manifest_encode(WORLD.manifest)
    assert manifest_decode(data) == WORLD.manifest
    for altered in (data[:-1], data + b"\x00", b"", b"nonsense"):
        with pytest.raises(errors.ManifestMalformed):
            manifest_decode(altered)


@pytest.mark.parametrize(
    "domains, label",
    [
        ("a", "self-attested"),
        ("ab", "pair-checked"),
        ("abc", "majority-checked"),
        ("abcd", "bft-verified"),
        ("abcdefg", "bft-verified"),
        ("aabb", "pair-checked"),
        ("aaaa", "self-attested"),
    ],
)
def test_voters_of_one_domain_count_as_one_for_the_label(domains, label):
    shown = check(world_new(domains=list(domains), label=label, support="plausible"))
    assert (shown.label, shown.voters) == (label, len(set(domains)))


@pytest.mark.parametrize("number, silent", [(1, 0), (2, 0), (3, 1), (4, 1), (5, 1), (6, 2), (7, 2)])
def test_a_quorum_bears_so_many_silent_voters_and_no_more(number, silent):
    domains = [f"d{i}" for i in range(number)]
    enough = [APPROVE] * (number - silent) + [None] * silent
    assert (
        check(world_new(domains=domains, outcomes=enough, support="plausible", comparable=())).standing
        == number - silent
    )
    if number - silent > 1:
        short = [APPROVE] * (number - silent - 1) + [None] * (silent + 1)
        with pytest.raises(errors.CertificateNoQuorum):
            check(world_new(domains=domains, outcomes=short, support="plausible", comparable=()))


def test_rejections_do_not_count_towards_the_quorum():
    assert check(world_new(outcomes=[APPROVE, APPROVE, APPROVE, REJECT], support="plausible")).standing == 3
    with pytest.raises(errors.CertificateNoQuorum):
        check(world_new(outcomes=[APPROVE, APPROVE, REJECT, REJECT], support="plausible"))


def test_abstaining_is_not_approval():
    for support in ("corroborated", "plausible"):
        with pytest.raises(errors.CertificateContested):
            check(world_new(outcomes=[APPROVE, APPROVE, ABSTAIN, ABSTAIN], support=support))
    with pytest.raises(errors.SupportTooHigh):
        check(world_new(outcomes=[APPROVE, ABSTAIN, ABSTAIN, ABSTAIN], comparable=(1,)))


def test_a_series_that_nobody_could_compare_is_plausible():
    shown = check(world_new(outcomes=[APPROVE, ABSTAIN, ABSTAIN, ABSTAIN], comparable=(), support="plausible"))
    assert (shown.support, shown.approvals, shown.comparable) == ("plausible", 0, 0)


@pytest.mark.parametrize("outcome", [REJECT, None])
def test_the_only_device_that_could_compare_is_neither_overruled_nor_left_out(outcome):
    with pytest.raises(errors.CertificateContested):
        check(world_new(outcomes=[APPROVE, outcome, APPROVE, APPROVE], comparable=(1,), support="plausible"))


def test_silent_comparable_devices_count_against_corroboration():
    with pytest.raises(errors.CertificateContested):
        check(world_new(domains="abcdefg", outcomes=[APPROVE] * 3 + [ABSTAIN] * 2 + [None] * 2, comparable=range(1, 7)))


def test_one_approval_is_never_corroboration():
    with pytest.raises(errors.SupportTooHigh):
        check(world_new(comparable=(1,)))


def test_a_label_above_the_certificate_is_refused():
    with pytest.raises(errors.LabelTooHigh):
        check(world_new(domains="abc", label="bft-verified"))
    assert check(world_new(domains="abcd", label="self-attested")).label == "bft-verified"


def test_more_voters_than_the_certificate_shows_are_refused():
    with pytest.raises(errors.VotersTooMany):
        check(world_new(voters=5))


def test_a_declared_domain_is_shown_as_simulated():
    assert check(world_new(domains=["simulated:a", "b", "c", "d"])).simulated


@pytest.mark.parametrize(
    "change",
    [
        {"plain_root": sha256(b"x")},
        {"batch_root": sha256(b"x")},
        {"quantity": "humidity"},
        {"cell": "nowhere"},
        {"record_count": 1},
        {"resolution_s": 1},
        {"period_end_ms": 1},
        {"label": "pair-checked"},
        {"support": "plausible"},
        {"schema": "other"},
    ],
)
def test_a_digest_that_says_something_else_is_refused(change):
    with pytest.raises(errors.ManifestContradicts):
        manifest_check(WORLD.manifest, replace(WORLD.digest, **change), WORLD.secrets.lot_id)


@pytest.mark.parametrize(
    "change",
    [
        {"device_class": "plug"},
        {"cell": "nowhere"},
        {"level": "exact"},
        {"model": "meter"},
        {"low": -9000},
        {"noise_steps": 3},
        {"limits": "own"},
    ],
)
def test_facts_that_the_voters_did_not_sign_are_refused_also_when_the_digest_says_them_too(change):
    digest = replace(
        WORLD.digest, **{name: value for name, value in change.items() if name in ("device_class", "cell")}
    )
    manifest = replace(WORLD.manifest, facts=replace(WORLD.manifest.facts, **change))
    with pytest.raises(errors.FactsNotSigned):
        manifest_check(manifest, digest, WORLD.secrets.lot_id)
    forged = replace(manifest, roots=replace(WORLD.roots, facts=signed_facts(manifest)))
    with pytest.raises(errors.CertificateNoQuorum):
        manifest_check(forged, digest, WORLD.secrets.lot_id)


def test_comparable_devices_can_not_be_left_out_of_the_list_nor_added():
    for comparable in (WORLD.manifest.comparable[:2], (*WORLD.manifest.comparable, public_key(sha256(b"new"))), ()):
        with pytest.raises(errors.FactsNotSigned):
            check(WORLD, replace(WORLD.manifest, comparable=comparable))


def test_columns_and_series_are_under_the_facts_hash():
    for changed in (replace(WORLD.manifest, columns=COLUMNS[:1]), replace(WORLD.manifest, schema="hearth.series/2")):
        assert signed_facts(changed) != WORLD.roots.facts
    other = replace(WORLD.manifest, roots=replace(WORLD.roots, series_id=sha256(b"other series")))
    assert signed_facts(other) != WORLD.roots.facts


def signed_facts(manifest: Manifest) -> bytes:
    return facts_hash(manifest.roots.series_id, manifest.schema, manifest.columns, manifest.facts, manifest.comparable)


def test_a_manifest_of_another_lot_is_refused():
    with pytest.raises(errors.ManifestContradicts):
        manifest_check(WORLD.manifest, WORLD.digest, sha256(b"other lot"))


def test_voters_are_those_of_the_block():
    validators = list(WORLD.manifest.certificate.validators)
    split = [Validator(validators[0].key, "another domain"), *validators[1:]]
    fewer = validators[:-1]
    for voters in (split, fewer, [*validators, Validator(public_key(sha256(b"new")), "e")]):
        with pytest.raises(errors.CertificateValidators):
            check(WORLD, with_certificate(validators=tuple(voters)))


def test_a_first_block_follows_from_the_genesis():
    header = replace(WORLD.manifest.certificate.header, height=1)
    with pytest.raises(errors.CertificateValidators):
        check(WORLD, with_certificate(header=header))


def test_a_strangers_vote_is_refused():
    vote = replace(WORLD.manifest.certificate.votes[0], validator=public_key(sha256(b"stranger")))
    with pytest.raises(errors.CertificateStranger):
        check(WORLD, with_certificate(votes=(vote,)))


def test_a_vote_counted_twice_is_refused():
    votes = WORLD.manifest.certificate.votes
    with pytest.raises(errors.CertificateDoubleVote):
        check(WORLD, with_certificate(votes=(*votes, votes[0])))


@pytest.mark.parametrize("part", ["signature", "verdict", "round", "header", "roots"])
def test_anything_altered_under_a_signature_is_found(part):
    certificate = WORLD.manifest.certificate
    vote = certificate.votes[0]
    changes = {
        "signature": {"votes": (replace(vote, signature=b"\x01" * 64), *certificate.votes[1:])},
        "verdict": {"votes": (replace(vote, verdicts=((0, REJECT, ""),)), *certificate.votes[1:])},
        "round": {"round": 3},
        "header": {"header": replace(certificate.header, state_hash=sha256(b"x"))},
        "roots": {"plain_roots": (replace(certificate.plain_roots[0], batch_root=sha256(b"x")),)},
    }[part]
    with pytest.raises(errors.CertificateSignature):
        check(WORLD, with_certificate(**changes))


def test_a_verdict_on_no_series_is_malformed():
    vote = replace(WORLD.manifest.certificate.votes[0], verdicts=((7, APPROVE, ""),))
    with pytest.raises(errors.ManifestMalformed):
        check(WORLD, with_certificate(votes=(vote,)))


def test_votes_for_other_rows_are_no_quorum_for_these():
    roots = replace(WORLD.roots, plain_root=sha256(b"other rows"))
    manifest = replace(WORLD.manifest, roots=roots)
    digest = replace(WORLD.digest, plain_root=roots.plain_root)
    with pytest.raises(errors.CertificateNoQuorum):
        manifest_check(manifest, digest, WORLD.secrets.lot_id)


def test_a_certificate_keeps_the_votes_that_agree_on_the_rows():
    header = WORLD.manifest.certificate.header
    lying = replace(WORLD.roots, plain_root=sha256(b"lie"))
    votes = votes_of(header, WORLD.roots, [APPROVE, APPROVE, APPROVE, None])
    votes += votes_of(header, lying, [None, None, None, APPROVE])
    certificate = certificate_new(GENESIS, header, voters_of("abcd"), votes)
    assert len(certificate.votes) == 3 and certificate.plain_roots == (WORLD.roots,)
    assert check(WORLD, replace(WORLD.manifest, certificate=certificate)).standing == 3


def test_votes_of_different_rounds_or_none_make_no_certificate():
    header = WORLD.manifest.certificate.header
    votes = votes_of(header, WORLD.roots, [APPROVE, APPROVE])
    for wrong in ([], [votes[0], replace(votes[1], round=1)]):
        with pytest.raises(errors.CertificateNoQuorum):
            certificate_new(GENESIS, header, voters_of("abcd"), wrong)


def test_the_manifest_of_a_large_home_fits_into_a_chunk():
    header = WORLD.manifest.certificate.header
    others = [PlainRoot(*(sha256(kind, bytes([i])) for kind in (b"s", b"p", b"b", b"f"))) for i in range(60)]
    votes = votes_of(header, WORLD.roots, [APPROVE] * 20, others)
    certificate = certificate_new(GENESIS, header, voters_of([f"d{i}" for i in range(20)]), votes)
    assert len(manifest_encode(replace(WORLD.manifest, certificate=certificate))) < 64 * 1024
