"""The command line of the device agents."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from households.agent.host import Host, die_with_parent, run_one
from households.agent.spec import agent_spec_read, host_spec_read
from marketplace.common.errors import HearthError


def main(arguments: list[str]) -> int:
    """Run the command; the exit status is 2 for a specification that can't be used."""
    parser = argparse.ArgumentParser(prog="households.agent", description="Runs the agents of devices.")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("run", help="run one device")
    one.add_argument("--spec", type=Path, required=True, help="JSON file with one AgentSpec")
    many = commands.add_parser("host", help="run many devices, each in its own process")
    many.add_argument("spec", type=Path, help="JSON file with a HostSpec")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=os.environ.get("HEARTH_LOG_LEVEL", "INFO"), format="%(name)s %(levelname)s %(message)s")
    logging.getLogger("websockets").setLevel(logging.WARNING)
    # A matrix library that starts a thread for each core in every device would starve the machine.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        if options.command == "run":
            spec = agent_spec_read(options.spec)
            die_with_parent(os.getppid())
            run_one(spec)
        else:
            hosted = host_spec_read(options.spec)
            die_with_parent(os.getppid())
            Host(hosted.devices).run()
    except HearthError as refusal:
        sys.stderr.write(f"{refusal.code}: {refusal.detail}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
