"""What pages say for the codes of lots and purchases. An unknown code is said as it is, so nothing is hidden."""

from __future__ import annotations

from marketplace.common.words import Word

# Class of device: title, icon.
CLASSES = {
    "climate": ("Climate sensor", "temperature"),
    "light": ("Light sensor", "bulb"),
    "sound": ("Sound sensor", "activity"),
    "multi": ("Room sensor", "home"),
    "air": ("Air quality sensor", "wind"),
    "motion": ("Motion sensor", "eye"),
    "mains": ("Mains meter", "gauge"),
    "plug": ("Smart plug", "plug"),
    "solar": ("Solar inverter", "solar-panel"),
    "weather": ("Weather station", "sun"),
    "battery": ("Home battery", "battery-2"),
}
QUANTITIES = {
    "co2": "CO₂",
    "energy_total": "Energy, meter reading",
    "solar_power": "Solar power",
    "solar_yield": "Solar yield",
    "battery_charge": "Battery charge",
    "outdoor_temperature": "Outdoor temperature",
    "outdoor_humidity": "Outdoor humidity",
}
UNITS = {"C": "°C", "1": "", "W/kW": "W per kW"}
FACETS = {
    "device_class": "Device",
    "quantity": "What is measured",
    "resolution_s": "Resolution",
    "cell": "Place",
    "label": "Checked by the home",
    "support": "Compared with",
    "licence_kind": "Licence",
}
LICENCE_KINDS = {"copy": "Use a copy", "training": "Training only"}
SUPPORT = {"corroborated": "Other devices agree", "plausible": "Nothing to compare"}

PURCHASE: dict[str, Word] = {
    "confirmed": Word("Checking the lot", "info", "Your node checks the stored object before it pays.", True),
    "checked": Word("Checked", "info", "Object, licence and price are as confirmed.", True),
    "funding": Word("Paying", "info", "The payment is on its way into escrow.", True),
    "funded": Word("In escrow", "info", "The ledger holds the money until the key is delivered.", True),
    "committed": Word("Key promised", "info", "The home's hub has committed to a key and must deliver in time.", True),
    "delivered": Word("Key delivered", "new", "The ledger has checked the key; your node opens the lot.", True),
    "opened": Word("Opened", "new", "Your node has decrypted and checked the rows.", True),
    "accepting": Word("Settling", "new", "Your node has accepted; the reward is on its way.", True),
    "complaining": Word("Complaint sent", "warn", "The ledger judges the proof that your node sent.", True),
    "expiring": Word("Claiming refund", "warn", "The deadline has passed; your node asks for the money back.", True),
    "settled": Word("Settled", "ok", "The home is paid and the rows are yours under the licence."),
    "refunded": Word("Refunded", "warn", "The money is back in your wallet."),
    "failed": Word("Not bought", "idle", "Nothing was paid."),
}
REASONS = {
    "missed": "The home's hub did not deliver the key in time. The ledger has returned the money.",
    "refunded": "The home declined the order. The ledger has returned the money.",
    "bad_chunk": "A part of the lot did not decrypt to what the ledger knows. Your node proved it and has the money "
    "back. The complaint made that part public.",
    "bad_keys": "The delivered key did not belong to the lot. Your node proved it and has the money back. The lot can "
    "no longer be sold.",
    "complaint_too_late": "The lot was found faulty only after the complaint time had ended. The home was paid.",
    "price_changed": "The home changed the price after you confirmed. Nothing was paid.",
    "lot_not_on_sale": "The lot was no longer on sale. Nothing was paid.",
    "lot_not_listed": "The lot was withdrawn while you paid. Nothing was paid.",
    "lot_expired": "The offer had ended. Nothing was paid.",
    "licence_not_known": "The lot's licence is not the one that you accepted. Nothing was paid.",
    "licence_mismatch": "The lot's licence is not the one that you accepted. Nothing was paid.",
    "not_for_copy": "The lot is offered for training only. Nothing was paid.",
    "buyer_not_accredited": "The ledger does not list your organisation as accredited. Nothing was paid.",
    "balance_too_low": "The wallet held too little when it was this lot's turn. Nothing was paid.",
    "too_many_open_orders": "The lot has as many open orders as it may have. Nothing was paid; try again later.",
    "rows_invalid": "The rows do not read as the lot's schema says. The ledger can't judge that, so the home will be "
    "paid; tell the market's operator.",
}
MOVES = {
    "mint": "Top-up by the market's operator",
    "burn": "Taken back by the market's operator",
    "escrow": "Paid into escrow",
    "refund": "Refund",
    "reward": "Reward",
    "fee": "Fee",
    "transfer": "Transfer",
}
LABEL_NOTE = "It says who looked, not that the readings are true: a home certifies its own devices."


def title_of(code: str) -> str:
    """A code as words: ``energy_total`` as Energy total."""
    return code.replace("_", " ").replace("-", " ").strip().capitalize()


def class_title(code: str) -> str:
    return CLASSES[code][0] if code in CLASSES else title_of(code)


def class_icon(code: str) -> str:
    return CLASSES[code][1] if code in CLASSES else "cpu"


def quantity_title(code: str) -> str:
    return QUANTITIES.get(code) or title_of(code)


def unit_text(unit: str) -> str:
    return UNITS.get(unit, unit)


def purchase_word(state: str) -> Word:
    return PURCHASE.get(state) or Word(title_of(state), "idle")


def reason_text(code: str, state: str) -> str:
    """Why a purchase ended as it did, or what was found; nothing for an empty code."""
    if not code:
        return ""
    if code in REASONS:
        return REASONS[code]
    if state == "failed":
        return "Your node found the lot not to be what the ledger says of it. Nothing was paid."
    if state == "refunded":
        return "The ledger has returned the money."
    return "Your node found a fault that the ledger can't judge, so the home is paid; tell the market's operator."


def resolution_text(seconds: int) -> str:
    """How far apart the rows are."""
    for length, unit in ((86_400, "day"), (3_600, "hour"), (60, "min")):
        if seconds >= length and seconds % length == 0:
            count = seconds // length
            return f"{count} {unit}{'s' if count > 1 and unit != 'min' else ''}"
    return f"{seconds} s"


def place_text(cell: str) -> str:
    """A grid cell as its south-western corner and its size: ``g10:344:-1175`` is 34.4° N, 117.5° W (11 km)."""
    size, _, rest = cell.partition(":")
    row, _, column = rest.partition(":")
    try:
        hundredths = int(size.removeprefix("g"))
        south, west = int(row) * hundredths / 100, int(column) * hundredths / 100
    except ValueError:
        return "Place not given" if cell == "nowhere" else cell
    ns, ew = ("N" if south >= 0 else "S"), ("E" if west >= 0 else "W")
    return f"{abs(south):.1f}° {ns}, {abs(west):.1f}° {ew} ({round(hundredths * 1.11)} km)"


def facet_text(name: str, value: str) -> str:
    """What the filter says for one value of a facet."""
    if name == "device_class":
        return class_title(value)
    if name == "quantity":
        return quantity_title(value)
    if name == "resolution_s":
        return resolution_text(int(value)) if value.isdecimal() else value
    if name == "cell":
        return place_text(value)
    if name == "support":
        return SUPPORT.get(value) or title_of(value)
    return LICENCE_KINDS.get(value) or title_of(value).replace("Bft", "BFT")
