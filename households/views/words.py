"""What the owner's pages say for the codes of devices, readings and places. An unknown code is said as it is."""

from __future__ import annotations

from households.privacy.classes import DEVICE_CLASSES
from households.privacy.levels import NO_CELL

ICONS = {
    "climate": "temperature", "light": "bulb", "sound": "activity", "multi": "home", "air": "wind", "motion": "eye",
    "mains": "gauge", "plug": "plug", "solar": "solar-panel", "weather": "sun", "battery": "battery-2",
}  # fmt: skip
QUANTITIES = {
    "co2": "CO₂",
    "energy_total": "Meter reading",
    "solar_power": "Solar power",
    "solar_yield": "Solar yield",
    "battery_charge": "Charge",
    "outdoor_temperature": "Outdoor temperature",
    "outdoor_humidity": "Outdoor humidity",
}
UNITS = {"C": "°C", "1": "", "W/kW": "W per kW"}
PERMISSIONS = {
    "vote": ("Vote", "It checks the other devices' readings and votes on each batch."),
    "read": ("Be read", "Its readings are taken into the home's database."),
    "upload": ("Upload", "Its readings may leave the home, coarsened and sealed."),
    "sell": ("Sell", "What is uploaded may be offered for credits."),
    "train": ("Train", "Its readings may be used for training inside the home."),
}
# Why a series was left out, or a reading refused: what happened, as the end of a sentence.
REASONS = {
    "out_of_range": "its values lie outside what such a device can measure",
    "rate_too_high": "its values jump faster than the real thing can change",
    "time_not_rising": "the times of its readings do not rise",
    "meter_negative": "its meter shows a negative value",
    "meter_fell": "its meter ran backwards",
    "off_the_median": "it is far from what the other devices in the room measure",
    "drifts_from_the_median": "it drifts steadily away from the other devices in the room",
    "moves_with_the_past": "it moves like the past and not like the other devices now, as if it replayed old readings",
    "copied_readings": "it repeats a stretch of its own earlier readings",
    "pair_disagrees": "the two devices disagree, and nobody can say which one is wrong",
    "energy_power_mismatch": "the energy it counts does not fit the power it measures",
    "plugs_over_mains": "the plugs together used more than the mains meter saw",
    "no_readings": "it sent no readings",
    "segment_replayed": "it sent old readings again",
    "segment_out_of_time": "its readings came with the wrong time",
    "segment_out_of_order": "the times of its readings do not rise",
    "segment_bad_signature": "the signature on its readings is wrong",
    "segment_wrong_account": "its readings were bound to another wallet",
    "segment_wrong_unit": "it measured in an unknown unit",
    "segment_unknown_quantity": "it sent something that it had not announced",
    "segment_malformed": "what it sent could not be read",
    "segment_too_large": "it sent more at once than is allowed",
    "device_inactive": "it sent readings while it was not allowed to",
    "device_lacks_permission": "you have not permitted this",
    "root_mismatch": "the devices computed other rows than the hub proposed",
    "lot_invalid": "the hub's terms for it were not valid",
    "not_judged_before": "it is sealed again, and the device had not judged it before",
    "payee_used": "its one-time address was used before",
    "object_used": "its random name was used before",
    "object_taken": "its random name was used before",
    "point_used": "its one-time address was used before",
    "sealed_too_often": "it was sealed again several times, and the market refused each",
    "unknown_series": "the home's ledger knows no such series",
    "not_corroborated": "too few comparable devices confirmed it",
    "too_few_voters": "too few devices voted",
    "pair_holds": "the two devices disagree, so nothing leaves",
    "rejected_repeatedly": "its readings were rejected in several batches in a row",
    "double_vote": "it signed two different votes for one round, which is proven",
    "owner": "you asked for it",
    "not_shared": "you do not share this kind of device",
    "consent_missing": "you have not agreed to the text on sharing",
    "may_not_upload": "the device has no permission to upload",
    "may_not_sell": "the device has no permission to sell",
    "may_not_train": "the device has no permission to train",
    "hub_equivocated": "the hub signed two different proposals for one round",
    "nothing_to_compare": "no other device measures the same in this room",
    "preview_wrong": "the opened preview did not match",
}


def title_of(code: str) -> str:
    """A code as words: ``energy_total`` as Energy total."""
    return code.replace("_", " ").replace("-", " ").replace(".", " ").strip().capitalize()


def class_title(code: str) -> str:
    return DEVICE_CLASSES[code].title if code in DEVICE_CLASSES else title_of(code)


def class_icon(code: str) -> str:
    return ICONS.get(code, "cpu")


def quantity_title(code: str) -> str:
    return QUANTITIES.get(code) or title_of(code)


def unit_text(unit: str) -> str:
    return UNITS.get(unit, unit)


def value_text(text: str, unit: str) -> str:
    """A value with its unit, as people write it: 21.4 °C, 54 %; motion is a word."""
    if unit == "1":
        return "motion" if text == "1" else "still" if text == "0" else text
    return f"{_grouped(text)} {unit_text(unit)}".strip()


def reason_text(code: str) -> str:
    """Why, as the end of a sentence."""
    return REASONS.get(code) or (title_of(code).lower() if code else "")


def span_text(seconds: int) -> str:
    """A length of time in the unit that fits: 1 hour, 5 minutes, 30 seconds."""
    for length, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= length and seconds % length == 0:
            return _counted(seconds // length, unit)
    return _counted(seconds, "second")


def place_text(cell: str) -> str:
    """A grid cell by its south-western corner and its size: ``g50:103:-1`` is 51.5° N, 0.5° W, 55 km wide."""
    if cell == NO_CELL:
        return "Place not given"
    size, row, column = cell.split(":")
    hundredths = int(size.removeprefix("g"))
    south, west = int(row) * hundredths / 100, int(column) * hundredths / 100
    ns, ew = ("N" if south >= 0 else "S"), ("E" if west >= 0 else "W")
    return f"{abs(south):.1f}° {ns}, {abs(west):.1f}° {ew}, about {round(hundredths * 1.11)} km wide"


def _grouped(text: str) -> str:
    """A decimal text with commas between thousands; its decimals stay as they are."""
    whole, dot, decimals = text.partition(".")
    return f"{int(whole):,}{dot}{decimals}" if whole.isdecimal() and len(whole) > 3 else text


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
