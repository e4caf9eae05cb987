"""Why an answer of the market's board is not believed."""

from __future__ import annotations

from marketplace.common.errors import IntegrityFault


class BoardAnswerWrong(IntegrityFault):
    """A plan with another hash, a pseudonym with another key, or no answer of a board at all."""

    code = "board_answer_wrong"
    title = "The market's answer contradicts itself"
