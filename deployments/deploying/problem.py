"""What is wrong with a file that is to be deployed: all of it at once, each with its line."""

from collections.abc import Sequence
from dataclasses import dataclass

from datastream.errors import Permanent


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong: where, and in a sentence what and the way out."""

    file: str
    line: int | None
    said: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.said}" if self.line else f"{self.file}: {self.said}"


class NotDeployable(Permanent):
    """Something is wrong, so nothing was deployed."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sorted(set(problems), key=lambda each: (each.file, each.line or 0, each.said))
        count = len(self.problems)
        super().__init__(
            f"nothing is deployed, since {count} thing{'s are' if count > 1 else ' is'} wrong:\n"
            + "\n".join(map(str, self.problems))
        )


class Unfit(Exception):
    """An entry cannot become a deployment."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem
