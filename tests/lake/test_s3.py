"""What may be wrong with an S3 is told in a sentence, and one that overwrites is refused before anything is written."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import duckdb
import pytest
from pydantic import SecretStr, ValidationError

from datastream.clock import ManualClock
from datastream.connections import LakeConfig
from datastream.errors import Transient
from datastream.lake import layout, s3
from datastream.lake.files import FileUnreadable
from datastream.lake.log import Log
from datastream.lake.reader import QueryFailed, connect, query
from datastream.lake.s3 import S3Store
from datastream.lake.s3_errors import LakeAway, NoSuchStore
from datastream.lake.store import LakeUnusable
from datastream.resilience import BreakerOpen, MemoryStates
from tests.lake.plans import plan_of
from tests.lake.test_log import commit
from tests.proxy import between
from tests.servers import PatientHandler

Requests = list[tuple[str, str]]
HTML = b"<html>Welcome</html>"
LISTING = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"


@contextmanager
def answering(status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> Iterator[tuple[str, Requests]]:
    """Run a server that gives everybody one answer, and yield its address and what it was asked."""
    asked: Requests = []

    class Handler(PatientHandler):
        def do_any(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append((self.command, self.path))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    for method in ("GET", "PUT", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.do_any)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()


def at(endpoint: str, **changes: object) -> S3Store:
    config = LakeConfig(uri="s3://lake/x", endpoint=endpoint, access_key="key", secret_key=SecretStr("secret"))
    return S3Store(config.model_copy(update=changes), ManualClock())


USES: dict[str, Callable[[S3Store], object]] = {
    "list": lambda store: list(store.keys("_log/")),
    "read": lambda store: store.read("key"),
    "create": lambda store: store.create("key", b"data"),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES.keys())
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"access_key": "nobody"}, "does not know the access key: correct DATASTREAM_S3_ACCESS_KEY"),
        ({"secret_key": SecretStr("wrong")}, "secret key does not fit the access key: correct DATASTREAM_S3_SECRET"),
    ],
    ids=["access key", "secret key"],
)
def test_wrong_keys_are_told(
    lake: LakeConfig, use: Callable[[S3Store], object], changes: dict[str, object], said: str
) -> None:
    with pytest.raises(LakeUnusable, match=said):
        use(S3Store(lake.model_copy(update=changes)))


def test_a_bucket_that_does_not_exist_is_told_with_how_to_make_it(lake: LakeConfig) -> None:
    store = S3Store(lake.model_copy(update={"uri": "s3://nobucket/x"}))
    with pytest.raises(LakeUnusable, match=r"The bucket 'nobucket' .* does not exist .* 'aws s3 mb s3://nobucket'"):
        list(store.keys("_log/"))


def test_no_keys_at_all_are_told(lake: LakeConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_EC2_METADATA_DISABLED", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "true")
    with pytest.raises(LakeUnusable, match=r"needs keys: .* Correct DATASTREAM_S3_ACCESS_KEY"):
        S3Store(lake.model_copy(update={"access_key": None, "secret_key": None})).read("key")


@pytest.mark.parametrize("use", USES.values(), ids=USES.keys())
def test_a_store_that_is_away_is_told_and_then_left_alone(use: Callable[[S3Store], object]) -> None:
    store = at("http://127.0.0.1:9")
    for _ in range(5):
        with pytest.raises(LakeAway, match=r"s3://lake/x cannot be reached: .*127\.0\.0\.1:9"):
            use(store)
    with pytest.raises(BreakerOpen, match=r"s3:127\.0\.0\.1:9/lake is left alone until"):
        use(store)


def test_a_store_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "_READ_SECONDS", 0.1)
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as silent,
        pytest.raises(LakeAway, match="Read timeout"),
    ):
        at(f"http://127.0.0.1:{silent.server_address[1]}").read("key")


def test_a_store_that_takes_no_body_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It accepts the connection and never asks for what is to be put; nothing else would end that."""
    monkeypatch.setattr(s3, "_READ_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(LakeAway, match="it does not answer"):
        at(f"http://127.0.0.1:{silent.getsockname()[1]}").create("key", b"body")


@pytest.mark.parametrize("use", USES.values(), ids=USES.keys())
@pytest.mark.parametrize(
    ("status", "headers"),
    [(404, {}), (405, {}), (301, {}), (302, {}), (400, {})],
    ids=["404", "405", "301", "302", "400"],
)
def test_a_server_that_is_no_s3_is_told(use: Callable[[S3Store], object], status: int, headers: dict[str, str]) -> None:
    """Least of all is its 404 taken for an empty lake."""
    with answering(status, HTML, headers) as (url, _), pytest.raises(NoSuchStore, match=r"is no S3: .* DATASTREAM"):
        use(at(url))


def test_a_web_page_is_no_listing() -> None:
    with answering(200, HTML) as (url, _), pytest.raises(NoSuchStore, match="answered a listing with something else"):
        list(at(url).keys("_log/"))


@pytest.mark.parametrize(
    ("status", "code"),
    [(500, "InternalError"), (503, "SlowDown"), (409, "ConditionalRequestConflict"), (400, "RequestTimeout")],
)
def test_what_passes_is_asked_three_times_and_by_nobody_else(status: int, code: str) -> None:
    """Neither botocore nor s3fs tries again by itself: their retries would multiply ours."""
    body = f"<Error><Code>{code}</Code><Message>m</Message></Error>".encode()
    with answering(status, body) as (url, asked), pytest.raises(LakeAway, match=f"{status} {code}: m"):
        at(url).read("key")
    assert asked == [("GET", "/lake/x/key")] * 3


@pytest.mark.parametrize(("status", "code"), [(403, "AccessDenied"), (501, "NotImplemented"), (400, "InvalidRequest")])
def test_what_is_refused_is_asked_once(status: int, code: str) -> None:
    body = f"<Error><Code>{code}</Code><Message>m</Message></Error>".encode()
    with answering(status, body) as (url, asked), pytest.raises(LakeUnusable, match=f"{status} {code}: m"):
        at(url).create("key", b"")
    assert len(asked) == 1


def test_a_store_that_overwrites_is_refused_before_anything_is_written() -> None:
    """It answers 200 to every PUT, whatever the condition."""
    with answering(200, LISTING, {"ETag": '"x"'}) as (url, asked):
        with pytest.raises(LakeUnusable, match=r"told 9 of 9 writers .* does not honour If-None-Match"):
            at(url).create_all({"orders/data/1.parquet": b"", "orders/data/2.parquet": b""})
        assert {path.split("/x/")[1].split("-only")[0] for _, path in asked} == {"_proof/create"}


def test_the_proof_costs_one_request_a_process_and_reading_none(lake: LakeConfig) -> None:
    S3Store(lake).create("first", b"")
    with between(lake.endpoint) as proxy:
        store = S3Store(lake.model_copy(update={"endpoint": proxy.url}))
        assert list(store.keys("fi")) == ["first"]
        assert store.read("first") == b""
        assert proxy.seen.total() == 2
        assert not store.create("first", b"")
        assert store.create("second", b"")
        assert proxy.seen.total() == 5


def test_the_proof_of_a_new_lake_leaves_one_object(lake: LakeConfig) -> None:
    store = S3Store(lake)
    store.delete(layout.PROOF)
    store.create("key", b"")
    assert sorted(store.keys("")) == [layout.PROOF, "key"]


def test_a_listing_of_several_pages_is_read_to_its_end(lake: LakeConfig) -> None:
    store = S3Store(lake)
    wanted = {f"many/{n}": b"" for n in range(7)}
    store.create_all(wanted)
    store._s3.s3_additional_kwargs = {"MaxKeys": 2}
    assert sorted(store.keys("many/")) == sorted(wanted)


@pytest.mark.parametrize("fault", ["cut", "busy", "lost"])
def test_a_fault_in_passing_is_bridged(lake: LakeConfig, fault: str) -> None:
    clock, states = ManualClock(), MemoryStates()
    with between(lake.endpoint) as proxy:
        store = S3Store(lake.model_copy(update={"endpoint": proxy.url}), clock, states)
        store.create("there", b"data")
        proxy.shares = {fault: 1.0}
        with pytest.raises(Transient):
            store.read("there")
        assert len(clock.slept) == 2
        assert 3 <= proxy.seen[fault] <= 6  # aiohttp sends anew, once and at once, where a connection was closed
        proxy.shares = {}
        assert store.read("there") == b"data"
    assert states.all() == {}


def test_our_own_object_whose_answer_was_lost_comes_back_as_existing(lake: LakeConfig) -> None:
    """So callers compare what is there."""
    with between(lake.endpoint) as proxy:
        store = S3Store(lake.model_copy(update={"endpoint": proxy.url}), ManualClock())
        store.create("first", b"")
        fates = iter(["lost", "passed"])
        proxy.fate = lambda: next(fates)  # type: ignore[method-assign]
        assert not store.create("mine", b"data")
    assert S3Store(lake).read("mine") == b"data"


@pytest.mark.parametrize("uri", ["s3://", "s3://a", "s3://buck et/x", "s3://b!d/x"])
def test_a_bucket_that_cannot_be_is_refused_when_it_is_configured(uri: str) -> None:
    with pytest.raises(ValidationError, match="is no lake; write it like"):
        LakeConfig(uri=uri)


@pytest.mark.parametrize("endpoint", ["127.0.0.1:9000", "s3://x", "http://", "http://h:0", "http://h:x"])
def test_an_endpoint_that_cannot_be_is_refused_when_it_is_configured(endpoint: str) -> None:
    with pytest.raises(ValidationError, match="is not where an S3 is; write it like"):
        LakeConfig(uri="s3://bucket", endpoint=endpoint)


def test_duckdb_reads_it_through_our_client_and_downloads_nothing(lake: LakeConfig) -> None:
    store = S3Store(lake)
    commit(Log(store, "orders"), store, plan_of(["a", "b"]))
    with connect(store) as connection:
        assert connection.sql("select count(*) from orders").fetchall() == [(2,)]
        pattern = f"{lake.uri}/orders/data/**/*.parquet"
        assert connection.sql(f"select max(_record_id) from read_parquet('{pattern}')").fetchall() == [("b",)]
        loaded = connection.sql("select extension_name, install_mode from duckdb_extensions() where loaded").fetchall()
    assert {mode for _, mode in loaded} <= {"STATICALLY_LINKED"}
    assert "httpfs" not in {name for name, _ in loaded}


def test_sql_asks_the_store_once_for_each_file(lake: LakeConfig) -> None:
    """Through fsspec's own client for S3 it was seventeen times."""
    store = S3Store(lake)
    commit(Log(store, "orders"), store, plan_of(["a", "b"]))
    with between(lake.endpoint) as proxy:
        query(S3Store(lake.model_copy(update={"endpoint": proxy.url})), "from orders")
        assert proxy.seen.total() <= 4 + 1 + 1, "four listings, the manifest, the file"


def test_sql_tells_in_a_sentence_what_is_missing_away_or_not_done(lake: LakeConfig, tmp_path: Path) -> None:
    store = S3Store(lake, ManualClock())
    commit(Log(store, "orders"), store, plan_of(["a", "b"]))
    with pytest.raises(FileUnreadable, match=r"x\.parquet lies on the lake, where SQL only reads"):
        query(store, f"copy (select 1) to '{lake.uri}/x.parquet'")
    query(store, f"copy (select 1) to '{tmp_path}/x.parquet'")
    with pytest.raises(QueryFailed, match="No files found"):
        query(store, "from 's3://elsewhere/x.parquet'")
    store.delete("orders/data/0-000000000001-0000.parquet")
    with pytest.raises(FileUnreadable, match=r"0000\.parquet is missing\. Restore it"):
        query(store, "from orders")


def test_sql_tries_again_as_everybody_does(lake: LakeConfig) -> None:
    store = S3Store(lake)
    commit(Log(store, "orders"), store, plan_of(["a", "b"]))
    clock = ManualClock()
    with between(lake.endpoint) as proxy:
        store = S3Store(lake.model_copy(update={"endpoint": proxy.url}), clock)
        with connect(store) as connection:
            proxy.shares = {"busy": 1.0}
            with pytest.raises(duckdb.Error, match="503 SlowDown"):
                connection.sql(f"from read_csv('{lake.uri}/t.csv')")
    assert clock.slept[:1] >= [timedelta(seconds=1)]
