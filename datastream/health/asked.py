"""What people say of incidents: that they do not want to hear of a check for a while, or that it is the new usual."""

from collections.abc import Callable
from datetime import datetime, timedelta

from datastream.catalog import Stream
from datastream.errors import Permanent
from datastream.health.ledger import Ledger
from datastream.health.state import State
from datastream.quality.incidents import MOST_MUTES, Incident, Mute

CHECKS = (
    "freshness", "records", "schedule", "volume", "quarantined", "duplicates", "schema", "nulls", "uniqueness",
    "references",
)  # fmt: skip
_WITH_SUBJECT = ("nulls", "uniqueness", "references")
_LONGEST, _MOST_CHARACTERS = timedelta(days=366), 1000


class CheckUnknown(Permanent):
    """There is no such check, or nothing to be said of it."""


class NotLearned(Permanent):
    """A check goes by the stream's file, so there is no other usual to accept."""


def mute(ledger: Ledger, name: str, for_: timedelta, why: str, now: datetime) -> Mute:
    """Have a check tell nothing for a while, at most a year. Raises CheckUnknown."""
    check, subject = parsed(name)
    if not timedelta() < for_ <= _LONGEST:
        raise CheckUnknown(f"A check is muted for {for_}, which is no time up to a year. Write it like P1D or PT6H.")
    if max(len(why), len(name)) > _MOST_CHARACTERS:
        raise CheckUnknown(f"Why a check is muted, and its name, have at most {_MOST_CHARACTERS:,} characters each.")
    made = Mute(check=check, subject=subject, at=now, until=now + for_, why=why)

    def change(state: State) -> None:
        there = [each for each in state.incidents.mutes if now < each.until]
        others = [each for each in there if (each.check, each.subject) != (check, subject)]
        if len(others) >= MOST_MUTES:
            raise CheckUnknown(
                f"{ledger.stream.name} has {len(others)} mutes, and no more are kept. End one with `datastream quality "
                f"unmute`, or mute all columns at once: datastream quality mute {ledger.stream.name} {check}"
            )
        state.incidents.mutes = [*others, made]

    _commit(ledger, change, now)
    return made


def unmute(ledger: Ledger, name: str, now: datetime) -> Mute:
    """End a mute now, and return it. Raises CheckUnknown, if there is none."""
    key, found = parsed(name), list[Mute]()

    def change(state: State) -> None:
        mutes = state.incidents.mutes
        found[:] = [each for each in mutes if (each.check, each.subject) == key]
        if not found:
            names = ", ".join(f"{each.check}:{each.subject}".rstrip(":") for each in mutes) or "none"
            raise CheckUnknown(f"{name} of {ledger.stream.name} is not muted. Muted are: {names}.")
        state.incidents.mutes = [each for each in mutes if each not in found]

    _commit(ledger, change, now)
    return found[0]


def accept(ledger: Ledger, name: str, now: datetime) -> Incident:
    """Close an incident: what it is about is the usual from when it began. Raises CheckUnknown and NotLearned."""
    key, found = parsed(name), list[Incident]()

    def change(state: State) -> None:
        found[:] = [each for each in state.incidents.open if each.key == key]
        if not found:
            names = ", ".join(f"{each.check}:{each.subject}".rstrip(":") for each in state.incidents.open) or "none"
            raise CheckUnknown(f"{name} of {ledger.stream.name} has no open incident. Open are: {names}.")
        _refuse_unlearned(ledger.stream, key[0])
        state.changes = [state.incidents.accept(found[0], now)]
        state.memory.forget(*key, found[0].since, now)

    _commit(ledger, change, now)
    return found[0]


def parsed(name: str) -> tuple[str, str]:
    """Return check and subject of `CHECK` or `CHECK:SUBJECT`. Raises CheckUnknown."""
    check, _, subject = name.partition(":")
    if check not in CHECKS:
        raise CheckUnknown(f"{check!r} is no check. There are {', '.join(CHECKS)}; a column is added as nulls:COLUMN.")
    if subject and check not in _WITH_SUBJECT:
        raise CheckUnknown(f"{check} is asked of the whole stream, and not of {subject!r}. Say it without: {check}")
    return check, subject


def _refuse_unlearned(stream: Stream, check: str) -> None:
    wanted = stream.quality
    named = {
        "volume": wanted.volume.least is not None or wanted.volume.most is not None,
        "quarantined": wanted.quarantined_at_most is not None,
        **dict.fromkeys(("schema", "nulls", "uniqueness"), False),
        "schedule": False,  # its deployment may be gone, and then nobody asks any more
    }
    if named.get(check, True):
        raise NotLearned(
            f"{check} of {stream.name!r} goes by what streams/{stream.name}.yaml says under `quality`, and nothing is "
            "learned for it. Change it there, or mute it: "
            f"datastream quality mute {stream.name} {check} --for P1D --why ..."
        )


def _commit(ledger: Ledger, change: Callable[[State], None], now: datetime) -> None:
    def again() -> bool:
        state = ledger.state()
        state.changes = []
        change(state)
        return ledger.commit(state, now) is not None

    ledger.until(again)
