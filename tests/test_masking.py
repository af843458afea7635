"""Personal data are masked wherever rows are shown."""

import json
from pathlib import Path

import pytest

from datastream.backtest import backtest
from datastream.fates import SuiteFailed
from datastream.lookback import judge, look_back
from datastream.masking import Mask
from datastream.poison import applied
from datastream.quality import SuiteErrored, load_suite
from datastream.sources.exactly import SchemaFrozen
from datastream.transform import TransformRaised, load_transform
from tests.cli.test_commands import Shell
from tests.cli.test_quarantine import STREAM
from tests.conftest import SUITE, World, order, orders, stream_of

EMAIL = "eve@example.org"
MASK = Mask.of(["email"])


def test_a_row_is_shown_without_them_and_without_them_in_what_was_received() -> None:
    text = json.dumps({"id": 1, "email": EMAIL})
    row = {
        "id": 1,
        "email": EMAIL,
        "_raw": text,
        "_extra": text,
        "_rules": ["email matches x", "id > 3", "a long label..."],
        "_observed": [f'"{EMAIL}"', "1", f'"{EMAIL}"'],
    }
    shown = MASK.row(row)
    assert EMAIL not in json.dumps(shown)
    assert (shown["id"], shown["email"], shown["_observed"]) == (1, "***", ["***", "1", "***"])


@pytest.mark.parametrize("raw", [f'["{EMAIL}"]', f'{{"email": "{EMAIL}', "[" * 100_000])
def test_a_record_that_cannot_be_taken_apart_is_masked_as_a_whole(raw: str) -> None:
    assert MASK.text(raw) == "***"


DEEP = {"id": 1, "who": {"email": EMAIL}, "all": [{"email": EMAIL}], "text": json.dumps({"email": EMAIL})}


def test_a_field_is_masked_however_deep_it_lies() -> None:
    """In what was received, in a column of objects, in one of JSON as a text, and in what a rule saw of those."""
    text = json.dumps(DEEP)
    row = {**DEEP, "_raw": text, "_extra": text, "_rules": ["who exists", "text like x"]}
    shown = MASK.row({**row, "_observed": [json.dumps(DEEP["who"]), json.dumps(DEEP["text"])]})
    assert EMAIL not in json.dumps(shown)
    assert (shown["id"], shown["who"], shown["all"]) == (1, {"email": "***"}, [{"email": "***"}])
    assert json.loads(shown["_raw"])["id"] == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"a": {"email": "eve', "***"),
        ('{"\\u0065mail": "eve"}', '{"email": "***"}'),
        ('{"\\u0065mail": "ev', "***"),
        ("[a note] of email", "***"),
        ("[a note]", "[a note]"),
        ("an email came", "an email came"),
        ('{"b":1}', '{"b":1}'),
    ],
)
def test_a_text_that_may_be_json_is_masked_where_it_names_a_field(text: str, shown: str) -> None:
    assert MASK.value("note", text) == shown


@pytest.mark.parametrize("named", ["EMail", "user.email"])
def test_a_field_may_be_named_in_any_case_and_by_its_path(named: str) -> None:
    mask = Mask.of([named])
    assert mask.value("user", {"Email": EMAIL, "id": 1}) == {"Email": "***", "id": 1}
    assert mask.concerns("Email matches ^.*$")
    assert mask.value("note", '{"EMAIL": "ev') == "***"


def test_a_stream_without_personal_data_is_shown_as_it_is() -> None:
    assert Mask().row({"email": EMAIL, "_raw": "{"}) == {"email": EMAIL, "_raw": "{"}


def test_a_missing_value_is_shown_as_missing() -> None:
    assert MASK.row({"email": None}) == {"email": None}


def test_the_sentence_about_a_claim_as_a_whole_hides_what_was_observed(world: World) -> None:
    rule = {"type": "expect_column_max_to_be_between", "kwargs": {"column": "amount", "max_value": 1}}
    (world.suites / "orders.json").write_text(json.dumps({"expectations": [{**rule, "severity": "critical"}]}))
    world.stream = stream_of(pii=["amount"])
    world.api.records = [order(1, amount=4711)]
    with pytest.raises(SuiteFailed) as failed:
        world.run()
    assert "4711" not in str(failed.value)
    assert "observed: ***" in str(failed.value)


def test_the_sentence_about_a_frozen_schema_hides_the_value(world: World) -> None:
    world.stream = stream_of(schema={"declared": {"amount": "int64"}, "types": "freeze"}, pii=["amount"])
    world.api.records = [order(1, amount=EMAIL)]
    with pytest.raises(SchemaFrozen) as failed:
        world.run()
    assert EMAIL not in str(failed.value)


def test_the_sentence_about_a_transform_hides_the_text_of_its_error(world: World) -> None:
    del world
    transform, _ = load_transform("tests.transforms:that_tells_a_value")
    import pyarrow as pa

    table = pa.table({"_record_id": ["a", "b"], "email": [EMAIL, EMAIL]})
    with pytest.raises(TransformRaised, match=EMAIL):
        applied(transform, "t", table)
    with pytest.raises(TransformRaised) as failed:
        applied(transform, "t", table, MASK)
    assert EMAIL not in str(failed.value)


def test_the_sentence_about_an_expectation_hides_the_text_of_its_error(world: World) -> None:
    """Texts in a column of numbers: the error of a comparison tells the first of them."""
    rule = {"type": "expect_column_mean_to_be_between", "kwargs": {"column": "email", "max_value": 1}}
    (world.suites / "orders.json").write_text(json.dumps({"expectations": [{**rule, "severity": "critical"}]}))
    world.api.records = [order(number, email=EMAIL) for number in range(40)]
    with pytest.raises(SuiteErrored):
        world.run()
    world.stream = stream_of(pii=["email"])
    with pytest.raises(SuiteErrored, match="whose text is not shown") as failed:
        world.run()
    assert EMAIL not in str(failed.value)


def test_a_rule_that_cannot_look_back_shows_no_value_either(world: World) -> None:
    world.stream = stream_of(pii=["email"])
    world.api.records = [order(number, email=EMAIL) for number in range(40)]
    world.run()
    rule = {"type": "expect_column_mean_to_be_between", "kwargs": {"column": "email", "max_value": 1}}
    (world.suites / "orders.json").write_text(json.dumps({"expectations": [rule]}))
    suite = load_suite(world.suites, "orders")
    lookback, tried = (find(world.stream, suite, world.store, None) for find in (look_back, backtest))
    for asked in (lambda: judge(lookback, lookback.pieces[0]), lambda: tried.judge(tried.cases[0])):
        with pytest.raises(SuiteErrored, match="whose text is not shown") as failed:
            asked()
        assert EMAIL not in str(failed.value)


def test_samples_of_a_look_back_are_masked(world: World) -> None:
    world.stream = stream_of(pii=["amount"])
    world.api.records = orders(3)
    world.run()
    rule = {"type": "expect_column_values_to_be_between", "kwargs": {"column": "amount", "max_value": 1}}
    (world.suites / "orders.json").write_text(json.dumps({"expectations": [{**rule, "severity": "critical"}]}))
    lookback = look_back(world.stream, load_suite(world.suites, "orders"), world.store, None)
    assert {row["amount"] for row in judge(lookback, lookback.pieces[0]).samples} == {"***"}


def test_the_quarantine_is_shown_masked_unless_it_is_asked_for(world: World, tmp_path: Path) -> None:
    for folder, name, text in (
        ("streams", "orders.yaml", STREAM + "pii: [email]\n"), ("expectations", "orders.json", json.dumps(SUITE)),
    ):  # fmt: skip
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).write_text(text)
    world.api.records = [order(1, amount=None, email=EMAIL)]
    world.run()
    shell = Shell(tmp_path)
    assert EMAIL not in shell("quarantine", "show", "orders").stdout
    assert EMAIL not in shell("quarantine", "show", "orders", "--json").stdout
    assert EMAIL in shell("quarantine", "show", "orders", "--unmasked").stdout


def test_a_stream_whose_file_is_gone_is_masked_as_it_was_committed(world: World, tmp_path: Path) -> None:
    world.stream = stream_of(pii=["email"])
    world.api.records = [order(1, amount=None, email=EMAIL)]
    world.run()
    [row] = Shell(tmp_path).json("quarantine", "show", "orders")
    assert (row["id"], row["email"], EMAIL in json.dumps(row)) == (1, "***", False)
