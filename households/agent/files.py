"""What an agent keeps on disk besides its key: votes, blocks, memory and pins. Logs are appended and synced."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

from chain.core.codec import decode, encode
from chain.core.errors import Malformed
from chain.core.types import Address, Hash, Name, PublicKey, Record
from households.agent.keyfile import sync_directory, write_aside
from households.consensus.memory import Memory
from households.consensus.proposal import HubFault
from households.consensus.voting import Signed, signed_decode, signed_encode

_LENGTH_BYTES = 4


class Pins(Record):
    """What the agent saw at its first welcome and holds the hub to from then on."""

    ledger: Name
    genesis_hash: Hash
    genesis: bytes
    device_id: Address
    hub_key: PublicKey
    authority: bytes
    certificate: bytes


class AppendLog:
    """Length-prefixed records in one file. A record that was cut short by a crash is dropped when the log is opened."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self.records = self._read()
        sync_directory(path.parent)

    def append(self, data: bytes) -> None:
        """Add a record; returns only when it is on disk."""
        os.write(self._descriptor, len(data).to_bytes(_LENGTH_BYTES, "big") + data)
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Give the file back."""
        os.close(self._descriptor)

    def __enter__(self) -> AppendLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self) -> list[bytes]:
        data, place, records = self._path.read_bytes(), 0, []
        while place + _LENGTH_BYTES <= len(data):
            end = place + _LENGTH_BYTES + int.from_bytes(data[place : place + _LENGTH_BYTES], "big")
            if end > len(data):
                break
            records.append(data[place + _LENGTH_BYTES : end])
            place = end
        if place < len(data):
            os.ftruncate(self._descriptor, place)
        return records


class FileVoteLog:
    """The vote log of ``households.consensus.voting`` in a file: a vote is synced before it can be sent."""

    def __init__(self, path: Path) -> None:
        """Open; raises ``Malformed`` if a whole record does not decode, since a forgotten vote could be signed
        twice."""
        self._log = AppendLog(path)
        lines = [signed_decode(raw) for raw in self._log.records]
        self._lines = {(line.height, line.round): line for line in lines}

    def find(self, height: int, round: int) -> Signed | None:
        """The line of a height and round."""
        return self._lines.get((height, round))

    def highest_round(self, height: int) -> int | None:
        """The last round voted on at a height."""
        return max((place[1] for place in self._lines if place[0] == height), default=None)

    def write(self, signed: Signed) -> None:
        """Keep a line for good."""
        self._log.append(signed_encode(signed))
        self._lines[(signed.height, signed.round)] = signed

    def close(self) -> None:
        """Give the file back."""
        self._log.close()


class StateDir:
    """The agent's own folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True, mode=0o700)

    def pins(self) -> Pins | None:
        """The pins, or None before the first welcome. Raises ``Malformed``."""
        data = self._bytes("pins")
        return decode(Pins, data) if data else None

    def pins_save(self, pins: Pins) -> None:
        """Keep the pins."""
        write_aside(self.path / "pins", encode(pins))

    def memory(self) -> Memory:
        """What the voter remembers; nothing if the file is damaged: it then judges by the batch alone."""
        data = self._bytes("memory")
        try:
            return decode(Memory, data) if data else Memory()
        except Malformed:
            return Memory()

    def memory_save(self, memory: Memory) -> None:
        """Keep the memory."""
        write_aside(self.path / "memory", encode(memory))

    def fault(self) -> HubFault | None:
        """The proof that halted this voter, if there is one. Raises ``Malformed``."""
        data = self._bytes("fault")
        return decode(HubFault, data) if data else None

    def fault_save(self, fault: HubFault) -> None:
        """Keep the proof of the hub's fault."""
        write_aside(self.path / "fault", encode(fault))

    def vote_log(self) -> FileVoteLog:
        """The vote log."""
        return FileVoteLog(self.path / "votes.log")

    def block_log(self) -> AppendLog:
        """The log of final blocks."""
        return AppendLog(self.path / "blocks.log")

    def _bytes(self, name: str) -> bytes:
        path = self.path / name
        return path.read_bytes() if path.exists() else b""
