"""Real agent processes against a hub in memory: enrolment, readings, votes, and kill -9."""

from __future__ import annotations

import asyncio
import csv
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from chain.core.codec import decode, encode
from chain.crypto.secp256k1 import public_key
from households.agent.spec import AgentSpec, HostSpec, Replay, Resend, Silent, Simulated, Source
from households.consensus.config import DEFAULT_CONFIG
from households.consensus.membership import membership_of
from households.consensus.messages import ProposalNotice
from households.consensus.proposal import HubFault, hub_fault_proven
from households.consensus.readings import segment_parse
from households.consensus.tally import APPROVED
from tests.pure.agent.hub import CODE, TestHub
from tests.pure.consensus.simulator import DAY_MS, LEDGER, START_MS, room_curve, times_of

READINGS = 240


def curve_file(folder: Path, number: int) -> Path:
    path = folder / f"sensor-{number}.csv"
    times = times_of(READINGS)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["t", "temperature"])
        rows.writerows(zip(times, [value / 100 for value in room_curve(times, seed=number)], strict=True))
    return path


def spec(folder: Path, url: str, number: int, *, source: Source | None = None, **extra: object) -> AgentSpec:
    replay = Replay(str(curve_file(folder, number)), {"temperature": "temperature"}, "t")
    return AgentSpec(
        name=f"sensor-{number}", url=url, state_dir=str(folder / f"state-{number}"), device_class="climate",
        area="room", code=CODE, source=source or replay, upload_ms=50, interval_ms=50, **extra,
    )  # fmt: skip


@asynccontextmanager
async def processes(folder: Path, specs: list[AgentSpec]) -> AsyncIterator[asyncio.subprocess.Process]:
    """The host command with one device process for each spec."""
    path = folder / "host.json"
    path.write_bytes(msgspec.json.encode(HostSpec(tuple(specs))))
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "households.agent", "host", str(path))
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), 10)


@asynccontextmanager
async def one_process(folder: Path, agent: AgentSpec) -> AsyncIterator[asyncio.subprocess.Process]:
    path = folder / f"{agent.name}.json"
    path.write_bytes(msgspec.json.encode(agent))
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "households.agent", "run", "--spec", str(path))
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def hub_served() -> AsyncIterator[tuple[TestHub, str]]:
    hub = TestHub(time.time_ns() // 1_000_000)
    server, url = await hub.serve()
    try:
        yield hub, url
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def hub_with_host(folder: Path, devices: int) -> AsyncIterator[tuple[TestHub, asyncio.subprocess.Process]]:
    """A hub and the host command with so many honest devices."""
    async with hub_served() as (hub, url):
        specs = [spec(folder, url, number) for number in range(devices)]
        async with processes(folder, specs) as host:
            yield hub, host


def all_stored(hub: TestHub, devices: int) -> Callable[[], bool]:
    def condition() -> bool:
        counts = [sum(len(segment_parse(raw).segment.values) for raw in one.segments) for one in hub.stored.values()]
        return len(counts) == devices and all(count == READINGS for count in counts)

    return condition


def child_pids(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[1]) == parent and fields[0] != "Z":
                found.append(int(entry.name))
    return found


async def gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1][:3]:
        assert time.monotonic() < deadline, "the process is still there"
        await asyncio.sleep(0.02)


@pytest.mark.asyncio
async def test_four_devices_enrol_send_their_readings_and_approve_a_batch(tmp_path: Path) -> None:
    async with hub_with_host(tmp_path, 4) as (hub, host):
        await hub.until(all_stored(hub, 4))
        assert len(child_pids(host.pid)) == 4
        members = membership_of(LEDGER, hub.home.ledger.state)
        proposal, batch = hub.propose_stored(1, START_MS, START_MS + DAY_MS)
        round = await hub.decide(proposal, batch)
        await hub.until(round.all_heard)
        outcome = round.outcome(members, DEFAULT_CONFIG)
        assert outcome is not None and outcome.label == "bft-verified"
        assert [entry.status for entry in outcome.series] == [APPROVED] * 4


@pytest.mark.asyncio
async def test_a_killed_agent_comes_back_without_voting_twice(tmp_path: Path) -> None:
    async with hub_served() as (hub, url):
        agent = spec(tmp_path, url, 1)
        async with one_process(tmp_path, agent) as first:
            await hub.until(all_stored(hub, 1))
            proposal, batch = hub.propose_stored(1, START_MS, START_MS + DAY_MS)
            hub.open(proposal, batch)
            before = len(hub.votes)
            await hub.broadcast(ProposalNotice(encode(proposal)))
            await hub.until(lambda: len(hub.votes) > before)
            first.kill()
            await first.wait()
        hub.sockets.clear()
        async with one_process(tmp_path, agent):
            await hub.until(lambda: len(hub.votes) > before + 1)
        assert len({raw for _, raw in hub.votes[before:]}) == 1


@pytest.mark.asyncio
async def test_an_agent_shown_two_proposals_for_one_round_halts_and_sends_the_proof(tmp_path: Path) -> None:
    async with hub_served() as (hub, url):
        async with one_process(tmp_path, spec(tmp_path, url, 1)):
            await hub.until(all_stored(hub, 1))
            first, batch = hub.propose_stored(1, START_MS, START_MS + DAY_MS)
            hub.open(first, batch)
            before = len(hub.votes)
            await hub.broadcast(ProposalNotice(encode(first)))
            await hub.until(lambda: len(hub.votes) > before)
            second = hub.home.proposal([])
            await hub.broadcast(ProposalNotice(encode(second)))
            await hub.until(lambda: bool(hub.faults))
            fault = decode(HubFault, hub.faults[0])
            assert hub_fault_proven(fault, LEDGER, public_key(hub.home.hub))
            assert {raw for _, raw in hub.votes[before:]} == {hub.votes[before][1]}
        async with one_process(tmp_path, spec(tmp_path, url, 1)):
            hub.sockets.clear()
            await hub.until(lambda: bool(hub.sockets))
            assert len(hub.votes) == before + 1


@pytest.mark.asyncio
async def test_lost_acknowledgements_lose_and_double_no_reading(tmp_path: Path) -> None:
    async with hub_served() as (hub, url):
        hub.drop_acks = 3
        async with one_process(tmp_path, spec(tmp_path, url, 1)):
            await hub.until(lambda: bool(hub.stored) and len(next(iter(hub.stored.values())).acks) >= 3)
            for socket in list(hub.sockets.values()):
                await socket.close()
            await hub.until(all_stored(hub, 1))
        stored = next(iter(hub.stored.values()))
        sequences = [segment_parse(raw).segment.first_sequence for raw in stored.segments]
        assert sequences == [1, 61, 121, 181]


@pytest.mark.asyncio
async def test_a_resending_device_is_refused_as_a_replay_and_its_new_readings_still_arrive(tmp_path: Path) -> None:
    async with hub_served() as (hub, url):
        agent = spec(tmp_path, url, 1, faults=(Resend("temperature"),))
        async with one_process(tmp_path, agent):
            await hub.until(all_stored(hub, 1))
            stored = next(iter(hub.stored.values()))
            await hub.until(lambda: "segment_replayed" in stored.acks)


@pytest.mark.asyncio
async def test_a_silent_device_sends_readings_and_no_vote(tmp_path: Path) -> None:
    async with hub_served() as (hub, url), one_process(tmp_path, spec(tmp_path, url, 1, faults=(Silent(),))):
        await hub.until(all_stored(hub, 1))
        proposal, batch = hub.propose_stored(1, START_MS, START_MS + DAY_MS)
        hub.open(proposal, batch)
        await hub.broadcast(ProposalNotice(encode(proposal)))
        acks = len(next(iter(hub.stored.values())).acks)
        assert acks >= 4 and not hub.votes


@pytest.mark.asyncio
async def test_simulated_readings_arrive_live_and_are_not_marked_backfilled(tmp_path: Path) -> None:
    async with hub_served() as (hub, url):
        agent = spec(tmp_path, url, 1, source=Simulated(seed=1, day_ms=60_000))
        async with one_process(tmp_path, agent):
            await hub.until(lambda: bool(hub.stored) and len(next(iter(hub.stored.values())).segments) >= 6)
        segments = [segment_parse(raw).segment for raw in next(iter(hub.stored.values())).segments]
        assert {segment.quantity for segment in segments} == {"temperature", "humidity"}
        assert not any(segment.backfilled for segment in segments)


@pytest.mark.asyncio
async def test_a_hub_with_another_ledger_gets_nothing_from_a_pinned_device(tmp_path: Path) -> None:
    async with hub_served() as (hub, url):
        agent = spec(tmp_path, url, 1)
        async with one_process(tmp_path, agent):
            await hub.until(all_stored(hub, 1))
        votes, acks = len(hub.votes), len(next(iter(hub.stored.values())).acks)
        hub.home.ledger._app.genesis_hash = b"\1" * 32  # another ledger behind the same address
        async with one_process(tmp_path, agent) as second:
            assert await asyncio.wait_for(second.wait(), 20) == 0
        assert (votes, acks) == (len(hub.votes), len(next(iter(hub.stored.values())).acks))


@pytest.mark.asyncio
async def test_a_stranger_without_the_owners_code_is_refused_and_stays_away(tmp_path: Path) -> None:
    async with hub_served() as (hub, url):
        stranger = msgspec.structs.replace(spec(tmp_path, url, 1), code="guess")
        async with one_process(tmp_path, stranger) as process:
            assert await asyncio.wait_for(process.wait(), 20) == 0
        assert not hub.stored


@pytest.mark.asyncio
async def test_device_processes_die_with_their_host(tmp_path: Path) -> None:
    async with hub_with_host(tmp_path, 2) as (hub, host):
        await hub.until(lambda: len(hub.sockets) == 2)
        children = child_pids(host.pid)
        os.kill(host.pid, signal.SIGKILL)
        for pid in children:
            await gone(pid)


@pytest.mark.asyncio
async def test_keys_of_devices_are_different_and_private(tmp_path: Path) -> None:
    async with hub_with_host(tmp_path, 2) as (hub, _):
        await hub.until(lambda: len(hub.sockets) == 2)
    keys = [tmp_path / f"state-{number}" / "identity.key" for number in range(2)]
    assert len({key.read_bytes() for key in keys}) == 2
    assert [key.stat().st_mode & 0o777 for key in keys] == [0o600, 0o600]
