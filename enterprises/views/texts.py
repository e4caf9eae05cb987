"""A licence's text as paragraphs that a template can show; the texts are plain Markdown of our own."""

from __future__ import annotations

import re
from dataclasses import dataclass

_POINT = re.compile(r"(?:(\d+)\.|-)\s+\*\*(.+?)\*\*\s*(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """``number`` and ``title`` are empty in a plain paragraph."""

    text: str
    title: str = ""
    number: str = ""


def paragraphs(body: str) -> list[Paragraph]:
    """Points and paragraphs of a text, without its heading."""
    blocks: list[str] = []
    for line in body.splitlines():
        if line.startswith("#"):
            continue
        begins = not line.startswith(" ") and bool(_POINT.match(line) or re.match(r"(\d+\.|-)\s", line))
        if not line.strip() or begins or not blocks:
            blocks.append("")
        blocks[-1] = f"{blocks[-1]} {line.strip()}".strip()
    return [_paragraph(block) for block in blocks if block]


def _paragraph(block: str) -> Paragraph:
    point = _POINT.fullmatch(block)
    if point is None:
        return Paragraph(block.replace("**", ""))
    number, title, text = point.groups()
    return Paragraph(text.replace("**", ""), title.rstrip("."), number or "")
