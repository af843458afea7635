"""SQL over what is committed: DuckDB with views over exactly the files that count, today or at an earlier moment.

`{stream}` and `{stream}_quarantine` hold every row; `{stream}_replayed` those that were in quarantine and are loaded
now, as they were; `{stream}_current` the newest version of each key, for streams that know one.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from datastream.errors import Permanent
from datastream.lake import layout
from datastream.lake.dataset import schema_of
from datastream.lake.live import Live, live
from datastream.lake.past import AsOf, past
from datastream.lake.returned import replays
from datastream.lake.rewrite import Held
from datastream.lake.standing import Standing
from datastream.lake.store import Store
from datastream.records import COMMIT, RECEIVED_AT

if TYPE_CHECKING:
    import duckdb

    from datastream.lake.files import LakeFiles

_OF_ALL_TIME = " of all time"
CURRENT, QUARANTINE, REPLAYED = "_current", "_quarantine", "_replayed"


class QueryFailed(Permanent):
    """DuckDB could not answer."""


def connect(store: Store, as_of: AsOf | None = None, only: Sequence[str] | None = None) -> "duckdb.DuckDBPyConnection":
    """Return DuckDB with the views over committed files only, of all streams or of those named. Raises MomentUnknown.

    It downloads nothing. Whoever asks may also read and write other files, as in any DuckDB of their own.
    """
    streams = _streams(store, store.folders(layout.LOGS) if only is None else only)
    connection = _duckdb(_files(store, streams))
    _make_views(connection, store, streams, as_of)
    return connection


def query(store: Store, sql: str, as_of: AsOf | None = None) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the columns and rows of the answer to `sql`. Raises QueryFailed with DuckDB's reason and the views."""
    import duckdb

    # The log of what checks said is long, and asked for rarely.
    names = store.folders(layout.LOGS)
    streams = _streams(store, [name for name in names if name != layout.QUALITY or name in sql.lower()])
    files = _files(store, streams)
    connection = _duckdb(files)
    try:
        _make_views(connection, store, streams, as_of, asked=sql)
        answer = connection.sql(sql)
        return (answer.columns, answer.fetchall()) if answer is not None else ([], [])
    except duckdb.Error as error:
        if files is not None and files.failure is not None:
            raise files.failure from error
        known = [
            row[0]
            for row in connection.execute("select view_name from duckdb_views() where not internal").fetchall()
            if not row[0].endswith(_OF_ALL_TIME)
        ]
        raise QueryFailed(f"{error}\nTables to ask: {', '.join(known) or 'none yet; run a flow first'}.") from error


def _streams(store: Store, names: Iterable[str]) -> dict[str, Live]:
    return {stream: live(store, stream) for stream in names}


def _files(store: Store, streams: Mapping[str, Live]) -> "LakeFiles | None":
    """Return what DuckDB reads through; where the lake is a folder, it reads by itself."""
    from datastream.lake.files import LakeFiles

    if "://" not in store.address(""):
        return None
    return LakeFiles(store, {held.key: held.file.bytes for each in streams.values() for held in each.all_files})


def _duckdb(files: "LakeFiles | None") -> "duckdb.DuckDBPyConnection":
    import duckdb

    connection = duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
    if files is not None:
        connection.register_filesystem(files)
    connection.execute("set timezone = 'UTC'")
    return connection


def _make_views(
    connection: "duckdb.DuckDBPyConnection",
    store: Store,
    streams: Mapping[str, Live],
    as_of: AsOf | None,
    asked: str | None = None,
) -> None:
    """Make the views; those of the newest versions, which open each file once more, where `asked` may name one."""
    moments = {} if as_of is None else past(streams, as_of)
    for name, stream in streams.items():
        moment = moments.get(name)
        then = stream if moment is None else stream.at(moment)
        aside = [held for held in stream.all_files if layout.is_quarantine(held.key)]
        data = [held for held in stream.all_files if not layout.is_quarantine(held.key)]
        _view(connection, store, name, then.data, data, moment)
        _view(connection, store, f"{name}{QUARANTINE}", then.quarantine, aside, moment)
        if (returned := replays(then.data)) and then.quarantine and f"{name}{REPLAYED}" not in streams:
            _without_replayed(connection, store, name, returned, moment)
        if not data and stream.has_snapshots:
            connection.register(name, schema_of(store, name).empty_table())
    for name, stream in streams.items():
        there = any(not layout.is_quarantine(held.key) for held in stream.all_files)
        if there and f"{name}{CURRENT}" not in streams and (asked is None or CURRENT in asked.lower()):
            _current_view(connection, name, stream)


def _view(
    connection: "duckdb.DuckDBPyConnection",
    store: Store,
    name: str,
    held: Sequence[Held],
    like: Sequence[Held],
    moment: Standing | None,
) -> None:
    """Make a view of the files that are held at the moment; where none is, one of those `like` them has the columns."""
    if not like:
        return
    files = ", ".join(_text(store.address(each.key)) for each in held or like[-1:])
    condition = "" if moment is None else f" where {moment.condition}"
    if not held:
        condition = " where false"
    source = f"read_parquet([{files}], union_by_name = true, hive_partitioning = false)"
    connection.execute(f"create or replace view {quoted(name)} as select * from {source}{condition}")


def _without_replayed(
    connection: "duckdb.DuckDBPyConnection", store: Store, name: str, returned: Sequence[Held], moment: Standing | None
) -> None:
    """Have the view of the quarantine leave out what was loaded from it since, and make the one that has just that."""
    all_, aside = quoted(f"{name}{QUARANTINE}"), quoted(f"{name}{QUARANTINE}{_OF_ALL_TIME}")
    connection.execute(f"alter view {all_} rename to {aside}")
    files = ", ".join(_text(store.address(held.key)) for held in returned)
    condition = "" if moment is None else f" and ({moment.condition})"
    back = (
        f"select _record_id, _commit as _replayed from read_parquet([{files}], union_by_name = true, "
        f"hive_partitioning = false) where starts_with(_commit, '{layout.REPLAY}-'){condition}"
    )
    connection.execute(f"create view {all_} as from {aside} anti join ({back}) using (_record_id)")
    connection.execute(f"create view {quoted(name + REPLAYED)} as from {aside} join ({back}) using (_record_id)")


def _current_view(connection: "duckdb.DuckDBPyConnection", name: str, stream: Live) -> None:
    """Make the view of the newest row of each key: that of the greatest cursor value, then of the last that came."""
    # What tells records apart now is said by who loads the stream; a replay may be of old.
    drained = [commit.header for commit in stream.commits if commit.header.lane != layout.REPLAY]
    newest_of = max(drained, key=lambda header: (header.decided_at, header.seq), default=None)
    identity = newest_of.identity if newest_of else {}
    there = {row[0] for row in connection.execute(f"describe {quoted(name)}").fetchall()}
    key: list[str] = identity.get("key") or []
    if not key or not there.issuperset(key):  # no key, or the transform renamed it
        return
    newest = [str(column) for column in (identity.get("cursor"), RECEIVED_AT, COMMIT) if column in there]
    order = ", ".join(f"{quoted(column)} desc nulls last" for column in newest)
    connection.execute(
        f"create or replace view {quoted(name + CURRENT)} as select * from {quoted(name)} "
        f"qualify row_number() over (partition by {_list(key)} order by {order}) = 1"
    )


def _list(names: Iterable[str]) -> str:
    return ", ".join(map(quoted, names))


def quoted(name: str) -> str:
    """Return a name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
