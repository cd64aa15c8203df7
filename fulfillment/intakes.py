"""What is asked before the work on a service begins: reads questions and checks answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

SORTS: Final = {"text": "A line", "long": "Some lines", "date": "A day", "choice": "One of several"}
MOST_QUESTIONS: Final = 20
LONGEST_LABEL: Final = 200
LONGEST_ANSWER: Final = {"text": 300, "long": 5000, "date": 10, "choice": 200}


@dataclass(frozen=True, slots=True)
class Question:
    """One labelled field; `choices` of a choice only."""

    label: str
    sort: str = "text"
    choices: tuple[str, ...] = ()
    needed: bool = True

    def as_kept(self) -> dict[str, Any]:
        """As the form's row holds it."""
        return {"label": self.label, "sort": self.sort, "choices": list(self.choices), "needed": self.needed}


USUAL: Final = (
    Question("What should we know before we begin?", "long"),
    Question("By when do you need it?", "date", needed=False),
)


class Unusable(ValueError):
    """Questions or answers that cannot be taken, with a sentence; `number` counts the question from 0."""

    def __init__(self, sentence: str, number: int = -1) -> None:
        super().__init__(sentence)
        self.number = number


def read(kept: Sequence[Any]) -> tuple[Question, ...]:
    """The questions of a form's row; the usual ones where there are none."""
    found = [
        Question(
            str(one.get("label", "")), str(one.get("sort", "text")), tuple(map(str, one.get("choices", ()))),
            bool(one.get("needed", True)),
        )
        for one in kept
        if isinstance(one, Mapping)
    ]  # fmt: skip
    return tuple(found) or USUAL


def parse(text: str) -> tuple[Question, ...]:
    """Questions as they are typed, one a line: `Label`, `Label | long`, `Label | date`, `Label | choice: a, b`, each
    with `?` after the sort where it may be left empty. Raises Unusable."""
    found: list[Question] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        label, _, rest = (part.strip() for part in line.partition("|"))
        sort, _, told = (part.strip() for part in rest.partition(":"))
        needed = not sort.endswith("?")
        sort = sort.rstrip("?").strip().casefold() or "text"
        choices = tuple(dict.fromkeys(filter(None, (one.strip() for one in told.split(",")))))
        if not label or len(label) > LONGEST_LABEL:
            raise Unusable(f"A question has between 1 and {LONGEST_LABEL} characters: {label[:60]}")
        if sort not in SORTS:
            raise Unusable(f"“{sort[:40]}” is no sort of answer. There are: {', '.join(SORTS)}.")
        if (sort == "choice") != (len(choices) > 1):
            raise Unusable(f"Name at least two choices after “choice:”, and only there: {label[:60]}")
        if any(one.label == label for one in found):
            raise Unusable(f"This question is asked twice: {label[:60]}")
        found.append(Question(label, sort, choices, needed))
    if len(found) > MOST_QUESTIONS:
        raise Unusable(f"At most {MOST_QUESTIONS} questions.")
    return tuple(found)


def typed(questions: Sequence[Question]) -> str:
    """The questions as `parse` reads them."""
    return "\n".join(_typed(one) for one in questions)


def _typed(one: Question) -> str:
    mark = "" if one.needed else "?"
    rest = f": {', '.join(one.choices)}" if one.choices else ""
    plain = one.sort == "text" and one.needed
    return one.label if plain else f"{one.label} | {one.sort}{mark}{rest}"


def check(questions: Sequence[Question], given: Sequence[str]) -> list[dict[str, str]]:
    """Each question with its answer, as they are kept; raises Unusable with the question's number."""
    kept = []
    for number, question in enumerate(questions):
        answer = (given[number] if number < len(given) else "").replace("\r\n", "\n").replace("\x00", "").strip()
        if not answer and question.needed:
            raise Unusable("Please answer this.", number)
        if len(answer) > LONGEST_ANSWER[question.sort]:
            raise Unusable(f"At most {LONGEST_ANSWER[question.sort]} characters, please.", number)
        if answer and question.sort == "choice" and answer not in question.choices:
            raise Unusable("Please choose one of these.", number)
        if answer and question.sort == "date" and not _is_day(answer):
            raise Unusable("Please give a day, such as 2027-01-31.", number)
        kept.append({"label": question.label, "sort": question.sort, "answer": answer})
    return kept


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
