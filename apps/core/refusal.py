"""The anticipated no."""

from collections.abc import Sequence


class Refusal(Exception):
    """Something the trial's rules do not allow now. Its text is shown to the person who tried.

    Say what happened and what to do next. Several problems at once go into `problems`, one sentence each.
    Subclasses are defined beside the function that raises them.
    """

    def __init__(self, sentence: str, *, problems: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.problems = tuple(problems) or (sentence,)


class NotAllowed(Refusal):
    """The person's role does not include this act at this site."""


class NotFound(Refusal):
    """What was asked for does not exist, or belongs to a site the person does not work for: the same to them."""
