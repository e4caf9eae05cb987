"""Keys of those who train, roots of rounds and seeds of jobs, as a client reads and verifies them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chain.client.inprocess import market_in_process
from chain.contracts.peers import LeavePeers, RegisterPeer, RoundKeys
from chain.core.blocks import header_hash
from chain.core.errors import LedgerFault
from chain.crypto.hashing import sha256
from marketplace.common.errors import NotFound
from tests.chain.market_node import MarketNode
from tests.chain.test_learning_ledgers import JOB, Learning
from tests.pure.chain.contracts.world import address, key_of

CHANNEL, ROUND, ROOT = sha256(b"channel"), sha256(b"round"), sha256(b"root")


@pytest.fixture
def learning(node: MarketNode) -> Iterator[Learning]:
    from marketplace.asgi import _http

    with market_in_process(_http) as client:
        yield Learning(node, client)


def test_a_partys_keys_are_those_of_its_own_call(learning: Learning) -> None:
    learning._send(learning.models, "hub", "peers.register", RegisterPeer(CHANNEL, key_of("job")))
    row = learning.models.peer(address("hub"))
    assert (row.channel, row.job_key) == (CHANNEL, key_of("job"))
    learning._send(learning.models, "hub", "peers.leave", LeavePeers())
    with pytest.raises(NotFound) as refused:
        learning.models.peer(address("hub"))
    assert refused.value.code == "ledger_peer_unknown"


def test_a_rounds_graph_is_drawn_from_the_block_after_its_keys(learning: Learning) -> None:
    leader = address("acme")
    assert learning.models.round_block_after(leader, ROUND, ROOT) is None
    told = learning._send(learning.models, "acme", "peers.round_keys", RoundKeys(ROUND, ROOT))
    while (found := learning.models.round_block_after(leader, ROUND, ROOT)) is None:
        learning.models.head()
    header = learning.models.header(told.header.height + 1)
    assert header is not None
    assert found == header_hash(header)
    with pytest.raises(LedgerFault):
        learning.models.round_block_after(leader, ROUND, sha256(b"another"))
    assert learning.models.round_block_after(address("thief"), ROUND, ROOT) is None


def test_a_jobs_seed_is_the_block_after_its_opening(learning: Learning) -> None:
    with pytest.raises(NotFound):
        learning.models.job_seed(JOB)
    learning.begin()
    learning.learn()
    seed = learning.models.job_seed(JOB)
    assert seed is not None
    opened = learning.models.proof(learning.models.job(JOB).tx_id).header.height
    header = learning.models.header(opened + 1)
    assert header is not None
    assert seed == header_hash(header)
