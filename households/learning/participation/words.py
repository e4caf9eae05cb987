"""What the pages say for states and codes of training jobs."""

from __future__ import annotations

from households.learning.words import WHY_NOT
from households.models import Participation, ParticipationRound
from marketplace.common.words import Word

State, Rounds = Participation.State, ParticipationRound.State
STATES = {
    State.ASKED: Word("Answering", "info", "The home has said yes and makes itself a name for this job.", True),
    State.DECLINED: Word("Not taking part", "idle"),
    State.ANSWERED: Word("Answered", "info", "The enterprise has not opened a channel to this home yet.", True),
    State.PEERED: Word("Waiting for licences", "info", "The enterprise has not paid for any lot yet.", True),
    State.LICENSED: Word("Licensed", "info", "Lots are paid for; the first round has not begun.", True),
    State.RUNNING: Word("Learning", "new", "Rounds are under way; only masked updates with noise leave.", True),
    State.DONE: Word("Completed", "ok"),
    State.LEFT: Word("Left", "idle"),
    State.FAILED: Word("Failed", "warn"),
}
ROUND_STATES = {
    Rounds.JOINED: Word("Joined", "info", "", True),
    Rounds.DECLINED: Word("Stayed away", "idle"),
    Rounds.SENT: Word("Update sent", "info", "Masked, and with its part of the noise.", True),
    Rounds.OVER: Word("Over", "idle"),
}
OPENED = Word("In the model", "ok", "The sum of all homes' updates was opened; nobody saw this home's own.")
KINDS = {"statistics": "Statistics", "train": "Training", "final": "Evaluation"}
CODES = {
    "owner_left": "you left it",
    "home_lacks_rows": "the rows on offer are too few for it",
    "notice_contradicts_plan": "its notice and its plan contradict each other",
    "notice_closed": "the notice was closed before this home could answer",
    "enterprise_silent": "the enterprise was not heard of any more",
    "no_licence": "no licence is in force any more",
    "deadline_passed": "its deadline passed",
    "cancelled": "the enterprise cancelled it",
    "rewards_outstanding": "past rounds were not shown on the ledger",
    "rule_not_in_force": "your rule is over",
}


def why(code: str) -> str:
    """A code as the end of a sentence that begins with because."""
    if code in CODES:
        return CODES[code]
    return WHY_NOT[code][0] if code in WHY_NOT else code.replace("_", " ")


def round_word(row: ParticipationRound) -> Word:
    """What became of a round."""
    if row.outcome == "opened":
        return OPENED
    return ROUND_STATES[Rounds(row.state)]


def round_note(row: ParticipationRound) -> str:
    """Why the home stayed away, or why the round was given up; empty for a round that was opened."""
    return "" if row.outcome in ("", "opened") else why(row.outcome)
