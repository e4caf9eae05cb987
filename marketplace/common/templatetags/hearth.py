"""Filters and tags that every template may use without loading them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms, template
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.forms import BoundField
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from marketplace.common import nav
from marketplace.common.types import from_ms
from marketplace.common.words import Word, word_for

register = template.Library()

SPARK_WIDTH, SPARK_HEIGHT = 100, 24
_CLASSES: tuple[tuple[type[forms.Widget], str], ...] = (
    (forms.CheckboxInput, "form-check-input"),
    (forms.CheckboxSelectMultiple, ""),
    (forms.RadioSelect, ""),
    (forms.Select, "form-select"),
)


@register.filter
def word(state: str) -> Word:
    """The word for a state: ``{{ order.status|word }}`` has text, tone, help, moving."""
    return word_for(state)


@register.filter
def moment(value: datetime | int | None) -> datetime | None:
    """A datetime, or the datetime of milliseconds since 1970."""
    return from_ms(value) if isinstance(value, int) else value


@register.filter(name="hex")
def hex_of(value: bytes | memoryview | None) -> str:
    """Bytes as hexadecimal digits."""
    return bytes(value).hex() if value is not None else ""


@register.filter
def short(text: str, keep: int = 6) -> str:
    """The first and last characters of a long identifier."""
    said = str(text)
    return said if len(said) <= 2 * keep + 1 else f"{said[: keep + 2]}…{said[-keep:]}"


@register.filter
def grouped(number: float | None) -> str:
    """1234567 as 1,234,567; nothing as a dash."""
    if number is None:
        return "–"
    return f"{number:,.0f}" if isinstance(number, int) or float(number).is_integer() else f"{number:,.2f}"


@register.filter
def size(count: int | None) -> str:
    """Bytes in the unit that a reader would choose."""
    value = float(count or 0)
    for unit in ("bytes", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


@register.filter
def control(field: BoundField) -> SafeString:
    """A form field's widget with the right classes, marked if it is wrong and tied to its help and errors."""
    widget = field.field.widget
    css = next((css for kind, css in _CLASSES if isinstance(widget, kind)), "form-control")
    attributes: dict[str, str | bool] = {
        "class": f"{css} {widget.attrs.get('class', '')} {'is-invalid' if field.errors else ''}".strip()
    }
    described = [f"{field.auto_id}_{part}" for part in ("help", "errors") if _has(field, part)]
    if described:
        attributes["aria-describedby"] = " ".join(described)
    return field.as_widget(attrs=attributes)


def _has(field: BoundField, part: str) -> bool:
    return bool(field.help_text if part == "help" else field.errors)


@register.filter
def is_checkbox(field: BoundField) -> bool:
    return isinstance(field.field.widget, forms.CheckboxInput)


@register.filter
def is_group(field: BoundField) -> bool:
    """Whether the field is several controls, which need a legend and not a label."""
    return isinstance(field.field.widget, forms.RadioSelect | forms.CheckboxSelectMultiple)


@register.simple_tag
def sparkline(values: Sequence[float | None] | None, label: str = "") -> SafeString:
    """The course of some values as a small line, drawn on the server; gaps are skipped."""
    known = [(index, float(value)) for index, value in enumerate(values or ()) if value is not None]
    if len(known) < 2:
        return format_html('<span class="text-secondary" title="{}">–</span>', label or "too few values")
    low, high = min(value for _, value in known), max(value for _, value in known)
    span = (high - low) or 1.0
    last = known[-1][0] or 1
    points = " ".join(
        f"{index * SPARK_WIDTH / last:.1f},{SPARK_HEIGHT - 2 - (value - low) / span * (SPARK_HEIGHT - 4):.1f}"
        for index, value in known
    )
    return format_html(
        '<svg class="sparkline" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<polyline points="{}"/></svg>',
        SPARK_WIDTH,
        SPARK_HEIGHT,
        label or f"from {known[0][1]:g} to {known[-1][1]:g}",
        points,
    )


@register.simple_tag
def icon_sprite() -> str:
    """The address of the icons' sprite."""
    return staticfiles_storage.url("vendor/icons.svg")


@register.simple_tag(takes_context=True)
def url_with(context: template.Context, **changes: Any) -> str:
    """This page's query with some values changed; None or an empty one is left out: ``{% url_with page=3 %}``."""
    request: HttpRequest = context["request"]
    query = request.GET.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value not in (None, ""):
            query[name] = str(value)
    return f"?{query.urlencode()}"


@register.simple_tag(takes_context=True)
def menu(context: template.Context) -> dict[str, Any]:
    """The menu for whoever is logged in: ``title`` and ``items``."""
    request = context.get("request")
    user = getattr(request, "user", None)
    if request is None or user is None or not user.is_authenticated:
        return {"title": "", "items": []}
    title, items = nav.menu_for(user.kind, request.path)
    return {"title": title, "items": items}


@register.simple_tag(takes_context=True)
def live_socket(context: template.Context) -> str:
    """The path of the WebSocket with this user's events, or nothing."""
    user = getattr(context.get("request"), "user", None)
    if user is None or not user.is_authenticated:
        return ""
    role = nav.ROLE_OF_KIND.get(user.kind)
    return nav.LIVE_SOCKET[user.kind] if role in settings.HEARTH_ROLES else ""
