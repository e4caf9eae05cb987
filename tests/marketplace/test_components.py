"""Components: what they say, and that they escape it."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.paginator import Paginator
from django.template import engines
from django.test import RequestFactory

from marketplace.common.errors import Unavailable
from marketplace.common.nav import menu_for
from marketplace.common.templatetags.hearth import grouped, short, size, sparkline
from marketplace.common.words import WORDS, word_for

TONES = {"ok", "warn", "bad", "info", "new", "idle"}
EVIL = '<script>"x"</script>'


def render(source: str, **context: Any) -> str:
    from django_cotton.compiler_regex import CottonCompiler

    compiled = CottonCompiler().process(source)
    return engines["django"].from_string(compiled).render(context, RequestFactory().get("/lots/?cell=9&page=2"))


def test_a_status_is_said_in_words_with_its_tone():
    text = render('<c-status value="FUNDED" />')
    assert "Paid into escrow" in text
    assert 'data-tone="info"' in text


def test_a_status_that_nobody_described_is_still_readable():
    assert word_for("half_way-there").text == "Half way there"
    assert word_for("bft-verified").text == "BFT-verified"


def test_every_word_has_a_known_tone():
    assert {word.tone for word in WORDS.values()} <= TONES


@pytest.mark.parametrize(
    "source",
    [
        '<c-card :title="evil">{{ evil }}</c-card>',
        '<c-card title="{{ evil }}">x</c-card>',
        '<c-stat label="{{ evil }}" :value="evil" />',
        '<c-empty title="{{ evil }}" :text="evil" />',
        '<c-notice :title="evil">{{ evil }}</c-notice>',
        '<c-message tone="ok" text="{{ evil }}" />',
        '<c-hash :value="evil" />',
        '<c-status :value="evil" />',
        '<c-badge title="{{ evil }}">{{ evil }}</c-badge>',
        '<c-chart id="c" :data="data" label="{{ evil }}" />',
        '<c-confirm id="c" action="/x/" :title="evil">{{ evil }}</c-confirm>',
    ],
)
def test_components_escape_what_they_are_given(source: str):
    text = render(source, evil=EVIL, data={"series": [{"name": EVIL, "points": []}]})
    assert "<script>" not in text
    assert "&amp;lt;" not in text


def test_an_error_shows_what_why_and_what_to_do():
    text = render('<c-error :error="error" />', error=Unavailable("The ledger node is away."))
    assert all(part in text for part in ("does not answer", "The ledger node is away.", "Try again", "unavailable"))


def test_times_are_machine_readable_and_have_a_reading_without_scripts():
    text = render('<c-time :at="at" as="datetime" />', at=1_700_000_000_000)
    assert 'datetime="2023-11-14T22:13:20+00:00"' in text
    assert "14 Nov 2023, 22:13 UTC" in text


def test_pages_keep_the_rest_of_the_query():
    text = render('<c-pagination :page="page" />', page=Paginator(range(95), 10).page(2))
    assert 'href="?cell=9&amp;page=3"' in text
    assert 'href="?cell=9&amp;page=1"' in text


def test_one_page_needs_no_pagination():
    assert "<nav" not in render('<c-pagination :page="page" />', page=Paginator(range(5), 10).page(1))


def test_progress_without_a_value_is_open_ended():
    assert " value=" not in render('<c-progress label="Uploading" />').split("<progress")[1]
    assert 'value="0"' in render('<c-progress label="Uploading" :value="0" />')


def test_a_sparkline_is_drawn_within_its_box_and_skips_gaps():
    text = sparkline([1, None, 5, 3])
    points = text.split('points="')[1].split('"')[0].split()
    assert len(points) == 3
    assert all(0 <= float(part) <= 100 for point in points for part in point.split(","))
    assert "<svg" not in sparkline([None, 4])
    assert "<svg" in sparkline([2, 2, 2])


def test_numbers_and_sizes_are_said_as_people_do():
    assert (grouped(1234567), grouped(2.5), grouped(None)) == ("1,234,567", "2.50", "–")
    assert (size(999), size(64 * 1024), size(3_200_000)) == ("999 bytes", "65.5 kB", "3.2 MB")
    assert short("0123456789abcdef0123") == "01234567…ef0123"
    assert short("0123") == "0123"


def test_the_menu_marks_the_page_one_is_on_and_leaves_out_what_is_not_there():
    title, items = menu_for("operator", "/admin/accounts/user/")
    assert title == "The market"
    assert [item.text for item in items if item.here] == ["Console"]
    assert menu_for("nobody", "/") == ("", [])
