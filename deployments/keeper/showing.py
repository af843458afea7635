"""Shows the platform in the Prefect UI: one artifact that is written over, so it takes no more room with time."""

from collections.abc import Callable
from dataclasses import dataclass

from deployments.keeper.server import Server
from deployments.overview import KEY, Overview, markdown
from deployments.prefect_api import PrefectRefused

SAID = "What runs, what waits, and how well it is. The keeper writes it anew each minute."


@dataclass(slots=True)
class Board:
    """The artifact `datastream-overview`. `look` is asked for what to show."""

    server: Server
    look: Callable[[], Overview]
    _held: str = ""

    def show(self) -> list[str]:
        """Show how things are now. Raises PrefectAway and PrefectRefused."""
        text = markdown(self.look())
        held = self._held or self._there()
        if not (held and self._written(held, text)):
            made = {"key": KEY, "type": "markdown", "data": text, "description": SAID}
            held = self.server.post("/artifacts/", made)["id"]
        self._held = held
        return []

    def _written(self, held: str, text: str) -> bool:
        try:
            self.server.patch(f"/artifacts/{held}", {"data": text})
        except PrefectRefused:  # somebody deleted it
            return False
        return True

    def _there(self) -> str:
        found = self.server.post("/artifacts/latest/filter", {"artifacts": {"key": {"any_": [KEY]}}})
        return str(found[0]["latest_id"]) if found else ""
