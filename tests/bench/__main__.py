"""All figures of this machine, one after the other: ``make bench``, or ``make bench ARGS=ledger_latency`` for one.

Each benchmark runs in a process of its own, so that none inherits another's heap, caches or database.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

BENCHES = ("ledger_throughput", "ledger_cycles", "ledger_latency", "exchange", "secure_aggregation", "mailbox")
LOAD_THAT_DISTORTS = 0.5


def machine() -> str:
    """What the figures were measured on, with the load before they began: others at work make them worse."""
    cpu = next(
        (line.split(":", 1)[1].strip() for line in _cpuinfo() if line.startswith("model name")), platform.processor()
    )
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    busy = "; BUSY, the figures will be low" if load > LOAD_THAT_DISTORTS * (os.cpu_count() or 1) else ""
    return (
        f"{cpu}, {os.cpu_count()} cores, {memory_gib:.0f} GiB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, load {load:.2f}{busy}"
    )


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all; 1 if one failed, 2 if a name is not known."""
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        sys.stderr.write(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHES)}\n")
        return 2
    sys.stdout.write(f"{machine()}\n")
    failed = False
    for name in names or BENCHES:
        sys.stdout.write(f"\n{name}\n")
        sys.stdout.flush()
        run = subprocess.run([sys.executable, "-m", f"tests.bench.{name}"], check=False)
        failed = failed or run.returncode != 0
    return int(failed)


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
