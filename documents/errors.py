"""What a person may not do to a document, said in German."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class NotPossible(Exception):
    """The document's state forbids it; `str()` is the sentence to show."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why something is not sent; `field` is the dialog's field, "" for the whole."""

    field: str
    text: str
    file: str = ""  # the name of the file that is at fault


class DispatchRefused(Exception):
    """Nothing was sent or queued. `problems` holds every reason found, at least one."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(" ".join(problem.text for problem in self.problems))
