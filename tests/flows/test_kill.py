"""kill -9 at random moments of upload and purchase: whatever was under way goes on, and all ends right."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for

import pytest
from rich.progress import Progress

from marketplace.demo.audit import audit
from marketplace.demo.outcome import invariants_broken
from marketplace.demo.owner import Owner
from marketplace.demo.simulated import simulated_cast
from marketplace.demo.stage import Stage
from marketplace.demo.story import Story
from marketplace.demo.telling import tell, wallets_tell
from marketplace.supervisor import FOLLOWER, GRACE_S, NODE, RUN_FOLDER, WEB, WORKER, Stack

VICTIMS = (WORKER, WEB, NODE, FOLLOWER)
KILLS = 5
FIRST_REST_S, LONGEST_REST_S = 0.3, 2.0  # the first comes early enough that the quickest machine is not done by then
LOTS = 6


@pytest.mark.stack
def test_killing_any_process_during_upload_and_purchase_loses_nothing(
    stage: Stage, progress: Progress, unblocked: None
):
    seed = int.from_bytes(os.urandom(4), "big")
    dice = random.Random(seed)
    story = Story(stage, simulated_cast(homes=2, days=2), progress, lots=LOTS)
    stage.prepare()
    story.begin()
    story.enrol()
    story.each("readings in", story.owners, Owner.wait_for_readings)

    for owner in story.owners:
        owner.close_batches()
    upload = while_killing(
        stage.stack, WORKER, dice, lambda: story.each("through", story.owners, Owner.wait_for_batches)
    )
    for buyer in story.buyers:
        buyer.wait_for("accredited")
    chosen = story.choose()
    story.order(chosen)
    purchase = while_killing(stage.stack, WEB, dice, story.wait_for_purchases)
    story.wait_for_earnings()

    tell(story)
    stage.stack.stop()
    story.outcome.audit = audit(stage.var)
    wallets_tell(story)
    told = f"seed {seed}, killed {upload} and {purchase}"
    assert invariants_broken(story.outcome) == [], told
    # A hub that was dead past a deadline costs a refund, never an order without an end.
    assert story.outcome.settled + story.outcome.refunded == len(chosen) + 1, told
    assert {lot.status for lot in story.outcome.audit.lots.values()} == {"LISTED"}, told
    assert (upload[0], purchase[0]) == (WORKER, WEB), told


def while_killing(stack: Stack, first: str, dice: random.Random, work: Callable[[], None]) -> list[str]:
    """Do ``work`` in a thread, and meanwhile kill processes at random moments, each time another, and start them anew.

    ``first`` dies first. At least one dies before the work is done; the quicker the machine, the fewer follow.

    Returns the names of the killed. What the supervisor starts ends with the thread that started it, so the killing is
    done here and the work over there.
    """
    others = [name for name in VICTIMS if name != first]
    dice.shuffle(others)
    victims, killed = [first, *others], list[str]()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(work)
        while not running.done() and len(killed) < KILLS:
            wait_for([running], timeout=dice.uniform(0, LONGEST_REST_S if killed else FIRST_REST_S))
            assert killed or not running.done(), "the work was done before anybody died"
            name = victims[len(killed) % len(victims)]
            kill_and_restart(stack, name)
            killed.append(name)
        running.result()
    return killed


def kill_and_restart(stack: Stack, name: str) -> None:
    """SIGKILL, at once and without a word; then the same command again."""
    child = next(child for child in stack.children if child.name == name)
    child.kill()
    stack.children.remove(child)
    (stack.var / RUN_FOLDER / f"{name}.ready").unlink(missing_ok=True)
    stack.spawn(name, stack._command(name), grace_s=GRACE_S[name])
    stack.wait(stack._is_ready(name), name)
