"""What the pages on learning say for codes and kinds."""

from __future__ import annotations

from dataclasses import dataclass

from chain.wallets.address import address_text
from fedlearn.learners.templates import TEMPLATES
from households.learning.questions import needs_of
from households.learning.selectors import epsilon_text
from households.models import ConsentEvent
from households.views.words import class_title

ANY_TASK = "Any purpose"
ANY_ENTERPRISE = "Any accredited enterprise"
TASKS = {
    "next_hour_load": ("Next hour's load", "To predict how much energy a home draws, for instance to compare tariffs."),
    "occupancy": ("Occupancy of a room", "To tell from air and light whether somebody is in a room."),
    "comfort": ("Comfort in the next hour", "To predict whether a room stays comfortable."),
}
# Why the home said no, as the end of a sentence, and what a link to a new rule says if one would help.
WHY_NOT = {
    "task_unknown": ("it is no purpose that this home knows", ""),
    "learning_off": ("learning is switched off", ""),
    "home_not_running": ("the home is not running", ""),
    "no_rule": ("no rule of yours covers this purpose", "Give consent"),
    "enterprise_not_covered": ("no rule of yours covers this enterprise", "Give consent"),
    "class_not_covered": ("no rule of yours covers the kinds of device it needs", "Give consent"),
    "rule_expired": ("your rule has expired", "Give consent anew"),
    "text_changed": ("the text on training licences has changed since you agreed", "Give consent anew"),
    "epsilon_unbounded": ("it would add no noise", ""),
    "rule_epsilon_exceeded": ("it costs more epsilon than your rule has left", ""),
    "home_epsilon_exceeded": ("it costs more epsilon than your home has left", ""),
    "no_suitable_data": ("nothing that it needs is on offer for learning", ""),
}
KINDS = {
    "asked": ("asked to learn", "zoom-question"),
    "round": ("asked before round", "rotate-clockwise"),
    "given": ("You gave consent", "heart-handshake"),
    "revoked": ("You revoked a consent", "ban"),
    "settings": ("You changed the home's limits", "adjustments"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of the history. ``renew`` is what a link to a new rule says, empty if a rule would not help."""

    event: ConsentEvent
    text: str
    note: str
    icon: str
    tone: str
    answer: str
    renew: str

    @property
    def address(self) -> str:
        """The enterprise's address, or an empty text."""
        return address_text(bytes(self.event.enterprise)) if self.event.enterprise else ""


def task_title(name: str) -> str:
    """A purpose in plain words; an empty name is any."""
    if not name:
        return ANY_TASK
    return TASKS[name][0] if name in TASKS else TEMPLATES[name].title if name in TEMPLATES else name


def task_needs(name: str) -> str:
    """The kinds of device that a purpose needs, for instance ``motion sensor and air quality sensor``."""
    found: list[str] = []
    for need in needs_of(name):
        said = " or ".join(dict.fromkeys(class_title(source[0]).lower() for source in need.sources))
        if not need.optional and said not in found:
            found.append(said)
    return " and ".join(found)


def classes_text(names: list[str]) -> str:
    """Device classes by their titles."""
    return ", ".join(class_title(name) for name in names)


def line_of(event: ConsentEvent) -> Line:
    """An entry of the history as a sentence."""
    said, icon = KINDS[event.kind]
    if event.kind == ConsentEvent.Kind.SETTINGS:
        off = event.code == "learning_off"
        note = "Learning is off." if off else "Learning is on."
        return Line(event, said, note, icon, "warn" if off else "idle", "", "")
    if event.allowed is None:
        tone = "ok" if event.kind == ConsentEvent.Kind.GIVEN else "warn"
        facts = [event.enterprise_name or ANY_ENTERPRISE, task_title(event.task), classes_text(event.classes)]
        facts.append(f"epsilon up to {epsilon_text(event.micro_epsilon)}")
        return Line(event, said, " · ".join(facts), icon, tone, "", "")
    who = event.enterprise_name or "An enterprise"
    text = f"{who} {said}" if event.round is None else f"{who} {said} {event.round + 1}"
    cost = event.micro_epsilon
    facts = [task_title(event.task), "no bound on epsilon" if cost is None else f"epsilon {epsilon_text(cost)}"]
    if event.allowed:
        return Line(event, text, " · ".join(facts), icon, "ok", "Yes", "")
    why, renew = WHY_NOT.get(event.code, (event.code.replace("_", " "), ""))
    facts.append(f"because {why}")
    return Line(event, text, " · ".join(facts), icon, "idle", "No", renew)
