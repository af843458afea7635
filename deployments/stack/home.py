"""Where the local stack of a project keeps its things: all of it below `.datastream`, and nowhere else."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of one stack. Deleting it while the stack is down starts from nothing."""

    project: Path

    @classmethod
    def of(cls, project: Path | str) -> "Home":
        """Take the project's real path, so that one project has one stack however its folder is spelt."""
        return cls(Path(project).resolve())

    @property
    def folder(self) -> Path:
        return self.project / ".datastream"

    @property
    def lake_uri(self) -> str:
        return (self.folder / "lake").as_uri()

    def log(self, service: str) -> Path:
        """Name the file that takes what a service prints."""
        return self.folder / "logs" / f"{service}.log"

    def mark(self, service: str) -> str:
        """Name a service of this stack among all processes of the machine."""
        return f"{service}@{self.folder}"
