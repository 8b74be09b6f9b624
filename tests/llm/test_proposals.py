"""Proposals of a model that lies, dawdles and breaks down: only what the text bears out is kept, and nothing else fails."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tracker.config import LlmSettings, load_settings
from tracker.daemon import Daemon
from tracker.extract.lexicon import Lexicon, load_lexicon
from tracker.extract.proposals import accepted
from tracker.kit import Kit
from tracker.llm import FAILURES, Proposer
from tracker.pipeline import process, reprocess
from tracker.proposals import is_on, one_round, waiting
from tracker.resources import data_dir
from tracker.store import Store
from tracker.vocabulary import DOCUMENTS_SCHEMA, UTC_TIME

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TEXT = (
    "The people at Oracle did say something on money, and the number they gave for the fiscal year 2026 was "
    "about $50 billion of outlays. Some in the room thought of a fall of 12% from a year ago. It rained in Austin."
)
QUOTE = "about $50 billion of outlays"
HONEST = {
    "kind": "capex", "entity": "ORCL", "quote": QUOTE, "value_low": 50e9, "value_high": 50e9, "unit": "money",
    "currency": "USD", "period": "FY2026", "basis": "guidance", "direction": "up",
}  # fmt: skip


def documents(*texts: str) -> pl.DataFrame:
    rows = [
        {"doc_id": f"d{n}", "source_id": "t", "source": "t", "tier": 2, "entity": None, "url": f"https://example.com/{n}",
         "canonical_url": f"https://example.com/{n}", "title": f"Notes {n}", "lang": "en", "published_at": NOW,
         "ingested_at": NOW, "text": text, "raw_sha256": None, "story_id": None}
        for n, text in enumerate(texts)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=DOCUMENTS_SCHEMA)


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon([data_dir("rules")])


# --- what is believed: pure ------------------------------------------------------------------------------------------


def judged(lexicon: Lexicon, *proposals: object, text: str = TEXT) -> tuple[list[dict[str, Any]], list[str]]:
    reply = json.dumps({"facts": proposals})
    facts, refused = accepted({"d0": reply}, documents(text), lexicon, "m")
    for fact in facts.iter_rows(named=True):
        assert text[fact["start"] : fact["end"]] == fact["quote"]
    return facts.to_dicts(), refused.get("d0", [])


def test_a_proposal_the_text_bears_out_becomes_a_fact(lexicon: Lexicon) -> None:
    (fact,), refused = judged(lexicon, HONEST)
    assert refused == []
    assert {k: fact[k] for k in HONEST} == HONEST
    assert (fact["extractor"], fact["extractor_version"]) == ("llm", "llm-1:m")


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        ({"quote": "about $50 billion of capex"}, "not in the text"),
        ({"quote": "About $50 billion of outlays"}, "not in the text"),
        ({"quote": ""}, "no quote"), ({"quote": None}, "no quote"), ({"quote": TEXT * 3}, "too long"),
        ({"value_low": 51e9, "value_high": 51e9}, "does not parse"), ({"value_high": None}, "does not parse"),
        ({"value_low": 50.0, "value_high": 50.0}, "does not parse"), ({"unit": "pct"}, "does not parse"),
        ({"currency": "EUR"}, "does not parse"), ({"quote": "It rained in Austin."}, "does not parse"),
        ({"value_low": "50e9"}, "not a number"), ({"value_low": True}, "not a number"), ({"value_low": float("nan")}, "not a number"),
        ({"unit": "bananas"}, "no such unit"), ({"kind": "dividend"}, "no such kind"), ({"kind": ["capex"]}, "no such kind"),
        ({"entity": "ACME"}, "not on the watchlist"), ({"entity": {"id": "ORCL"}}, "not on the watchlist"),
        ({"entity": "NVDA"}, "not named"), ({"value_low": None, "value_high": None}, "without a figure"),
    ],
)  # fmt: skip
def test_a_lie_is_refused_with_its_reason(lexicon: Lexicon, lie: dict[str, Any], reason: str) -> None:
    facts, refused = judged(lexicon, HONEST | lie)
    assert facts == []
    assert reason in refused[0]


def test_what_cannot_be_read_beside_the_quote_is_dropped_and_not_believed(lexicon: Lexicon) -> None:
    (fact,), _ = judged(
        lexicon,
        HONEST | {"period": "FY2031", "product": "teapot", "counterparty": "ACME", "basis": "hope", "direction": 7},
    )
    assert (fact["period"], fact["product"], fact["counterparty"], fact["basis"], fact["direction"]) == (
        None, None, None, "actual", "none",
    )  # fmt: skip


def test_a_fall_told_as_a_positive_number_may_carry_its_sign(lexicon: Lexicon) -> None:
    fall = {"kind": "capex", "entity": "ORCL", "quote": "a fall of 12% from a year ago", "value_low": -12.0,
            "value_high": -12.0, "unit": "pct_yoy", "direction": "down"}  # fmt: skip
    assert [f["value_low"] for f in judged(lexicon, fall)[0]] == [-12.0]
    assert judged(lexicon, fall | {"direction": "up"})[0] == []


@pytest.mark.parametrize(
    "reply",
    ["", "I am sorry, I cannot do that.", "{", "[]", "null", '{"facts": 5}', '{"facts": [1, null, "x", []]}', "[" * 100_000,
     '{"facts": [{"kind": "capex"}]}', "\x00\ud800"],
)  # fmt: skip
def test_any_answer_is_survived(lexicon: Lexicon, reply: str) -> None:
    facts, refused = accepted({"d0": reply}, documents(TEXT), lexicon, "m")
    assert facts.is_empty()
    assert refused["d0"]


def test_a_fence_of_markdown_is_forgiven(lexicon: Lexicon) -> None:
    reply = f"Here you are:\n```json\n{json.dumps({'facts': [HONEST]})}\n```"
    assert accepted({"d0": reply}, documents(TEXT), lexicon, "m")[0].height == 1


# --- the endpoint ----------------------------------------------------------------------------------------------------


def answer(*facts: object, tokens: int | None = 1000, content: str | None = None) -> tuple[int, bytes]:
    body: dict[str, Any] = {"choices": [{"message": {"content": content or json.dumps({"facts": facts})}}]}
    if tokens is not None:
        body["usage"] = {"total_tokens": tokens}
    return 200, json.dumps(body).encode()


@dataclass
class Model:
    """A server that speaks the protocol. `say` answers by the request; `hang` holds answers back until it is set."""

    base: str = ""
    say: Callable[[dict[str, Any]], tuple[int, bytes]] = lambda _: answer(HONEST)
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    slow: bool = False
    done: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def model() -> Iterator[Model]:
    made = Model()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            made.requests.append(body | {"path": self.path})
            made.headers.append(dict(self.headers))
            if made.slow:
                made.done.wait(30)
                return
            status, reply = made.say(body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.base = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield made
    made.done.set()
    server.shutdown()
    server.server_close()
    thread.join()


def settings(server: Model, **more: Any) -> LlmSettings:
    return LlmSettings(**({"base_url": server.base, "model": "m", "api_key": "k", "timeout_s": 5.0} | more))


def propose(server: Model, folder: Path, lexicon: Lexicon, *texts: str, **more: Any) -> Any:
    with Proposer(settings(server, **more), folder, today=lambda: date(2026, 3, 2)) as proposer:
        return proposer.propose(documents(*texts), lexicon)


def test_the_protocol_is_spoken_and_the_key_sent(model: Model, tmp_path: Path, lexicon: Lexicon) -> None:
    found = propose(model, tmp_path, lexicon, TEXT)
    (asked,) = model.requests
    assert (asked["path"], asked["model"], asked["temperature"]) == ("/v1/chat/completions", "m", 0)
    assert model.headers[0]["Authorization"] == "Bearer k"
    assert "ORCL" in asked["messages"][0]["content"]
    assert TEXT in asked["messages"][1]["content"]
    assert (found.facts.height, found.asked, found.cost_usd) == (1, 1, pytest.approx(0.002))


def test_a_document_is_asked_about_once(model: Model, tmp_path: Path, lexicon: Lexicon) -> None:
    first = propose(model, tmp_path, lexicon, TEXT)
    again = propose(model, tmp_path, lexicon, TEXT)
    assert (len(model.requests), again.asked, again.cost_usd) == (1, 0, 0.0)
    assert again.facts.equals(first.facts)
    propose(model, tmp_path, lexicon, TEXT, model="another")
    propose(model, tmp_path, lexicon, TEXT + " And more.")
    assert len(model.requests) == 3


def test_the_cap_on_cost_holds_over_rounds_and_ends_with_the_day(
    model: Model, tmp_path: Path, lexicon: Lexicon
) -> None:
    model.say = lambda _: answer(HONEST, tokens=100_000)
    texts = [f"{TEXT} {n}" for n in range(8)]
    cap = {"max_cost_usd": 0.5, "usd_per_1k_tokens": 0.002}
    found = propose(model, tmp_path, lexicon, *texts, **cap)
    assert found.asked == 3  # 0.2 USD each; a fourth could go over
    assert "cap" in found.problems[-1]
    assert propose(model, tmp_path, lexicon, *texts, **cap).asked == 0
    with Proposer(settings(model, **cap), tmp_path, today=lambda: date(2026, 3, 3)) as proposer:
        assert proposer.propose(documents(*texts), lexicon).asked == 3  # the next day
    assert propose(model, tmp_path, lexicon, "New.", max_cost_usd=0).asked == 0


@pytest.mark.parametrize(
    ("say", "problem"),
    [
        (lambda _: (500, b"oops"), "answered 500"), (lambda _: (429, b"{}"), "answered 429"),
        (lambda _: (302, b""), "answered 302"), (lambda _: (200, b"<html>"), "protocol"), (lambda _: (200, b"{}"), "protocol"),
        (lambda _: (200, b'{"choices": []}'), "protocol"), (lambda _: (200, b'{"choices": [{"message": {"content": null}}]}'), "without words"),
        (lambda _: (200, b"[" * 200_000), "protocol"), (lambda _: (200, b"x" * 3_000_000), "more than"),
    ],
)  # fmt: skip
def test_a_broken_endpoint_is_told_and_left_alone(
    model: Model, tmp_path: Path, lexicon: Lexicon, say: Callable[[Any], tuple[int, bytes]], problem: str
) -> None:
    model.say = say
    found = propose(model, tmp_path, lexicon, *(f"{TEXT} {n}" for n in range(FAILURES + 3)))
    assert found.facts.is_empty()
    assert problem in found.problems[0]
    assert len(model.requests) == FAILURES


def test_a_slow_endpoint_costs_its_time_limit_and_no_more(model: Model, tmp_path: Path, lexicon: Lexicon) -> None:
    model.slow = True
    found = propose(model, tmp_path, lexicon, TEXT, timeout_s=0.2)
    assert "no answer within 0.2 s" in found.problems[0]


def test_bytes_that_trickle_meet_the_limit_by_the_clock(model: Model, tmp_path: Path, lexicon: Lexicon) -> None:
    ticks = iter(range(0, 1_000, 4))
    with Proposer(settings(model, timeout_s=3.0), tmp_path, clock=lambda: next(ticks)) as proposer:
        found = proposer.propose(documents(TEXT), lexicon)
    assert "no answer within 3 s" in found.problems[0]


def test_one_failure_does_not_stop_the_others(model: Model, tmp_path: Path, lexicon: Lexicon) -> None:
    model.say = lambda body: (500, b"") if "Notes 1" in body["messages"][1]["content"] else answer(HONEST)
    found = propose(model, tmp_path, lexicon, *(f"{TEXT} {n}" for n in range(4)))
    assert set(found.facts["doc_id"]) == {"d0", "d2", "d3"}
    assert len(found.problems) == 1


@pytest.mark.parametrize("base", ["http://127.0.0.1:1/v1", "http://[::bad", "ftp://127.0.0.1/v1", "nonsense"])
def test_an_address_nobody_answers_at(tmp_path: Path, lexicon: Lexicon, base: str) -> None:
    with Proposer(LlmSettings(base_url=base, model="m", timeout_s=2), tmp_path) as proposer:
        assert proposer.propose(documents(TEXT), lexicon).problems


# --- in the path -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kit() -> Kit:
    return Kit.load([data_dir("rules")])


def test_a_round_adds_facts_once_never_doubles_and_survives_reprocessing(
    model: Model, tmp_path: Path, kit: Kit
) -> None:
    config = tmp_path / "tracker.toml"
    config.write_text(f'[store]\npath = "{tmp_path}/t.duckdb"\n[extract.llm]\nbase_url = "{model.base}"\nmodel = "m"\n')
    chosen = load_settings(config)
    plain = "Oracle expects capital expenditures of $50 billion in fiscal 2026."
    model.say = lambda body: (
        answer(HONEST) if QUOTE in body["messages"][1]["content"]
        else answer(HONEST | {"quote": "capital expenditures of $50 billion in fiscal 2026"})
    )  # fmt: skip
    found = documents(TEXT, plain)
    with Store.open(chosen.store.path) as store:
        process(store, kit, found, NOW)
        counts = one_round(store, kit, chosen, NOW)
        told = store.read(
            "SELECT doc_id, extractor FROM v_facts WHERE kind = 'capex' AND unit = 'money' ORDER BY doc_id"
        )
        assert (counts.facts, counts.problems) == (1, [])
        assert told.rows() == [("d0", "llm"), ("d1", "rules")]
        run = store.read("SELECT status, counts FROM runs WHERE job = 'proposals'").row(0, named=True)
        assert (run["status"], json.loads(run["counts"])["facts"]) == ("ok", 1)
        assert waiting(store, NOW).height == 2  # the round began when they came in
        assert one_round(store, kit, chosen, NOW).facts == 0
        reprocess(store, kit, found, NOW)
        assert store.scalar("SELECT count(*) FROM v_facts WHERE extractor = 'llm'") == 1


def test_a_broken_endpoint_leaves_the_pass_alone(model: Model, tmp_path: Path, kit: Kit) -> None:
    model.say = lambda _: (500, b"")
    config = tmp_path / "tracker.toml"
    config.write_text(f'[store]\npath = "{tmp_path}/t.duckdb"\n[extract.llm]\nbase_url = "{model.base}"\nmodel = "m"\n')
    chosen = load_settings(config)
    with Store.open(chosen.store.path) as store:
        process(store, kit, documents(TEXT), NOW)
        counts = one_round(store, kit, chosen, NOW)
        assert (counts.facts, len(counts.problems)) == (0, 1)
        assert store.scalar("SELECT count(*) FROM documents") == 1


def test_it_is_off_unless_an_endpoint_is_named(tmp_path: Path, kit: Kit) -> None:
    chosen = load_settings(None)
    assert not is_on(chosen)
    with Store.open(tmp_path / "t.duckdb") as store:
        assert not one_round(store, kit, chosen, NOW).anything
        assert store.scalar("SELECT count(*) FROM runs") == 0


def test_the_key_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-a-file\n")
    assert LlmSettings(api_key_file=tmp_path / "key").secret_key() == "from-a-file"
    assert "from" not in repr(LlmSettings(api_key="from"))


def test_the_daemon_asks_beside_its_other_work_and_goes_on_when_nobody_answers(
    model: Model, tmp_path: Path, kit: Kit
) -> None:
    config = tmp_path / "tracker.toml"
    config.write_text(f'[store]\npath = "{tmp_path}/t.duckdb"\n[extract.llm]\nbase_url = "{model.base}"\nmodel = "m"\n')
    daemon = Daemon(load_settings(config), config)
    daemon.kit = kit

    async def rounds() -> None:
        for say in (lambda _: (500, b""), lambda _: answer(HONEST)):
            model.say = say
            await daemon._guarded("proposals", daemon._propose)

    with Store.open(daemon.settings.store.path) as daemon.store:
        now = datetime.now(UTC)
        process(daemon.store, kit, documents(TEXT).with_columns(ingested_at=pl.lit(now).cast(UTC_TIME)), now)
        asyncio.run(rounds())
        told = daemon.store.read("SELECT extractor FROM v_facts WHERE kind = 'capex'")["extractor"].to_list()
        problems = daemon.store.read("SELECT counts FROM runs WHERE job = 'proposals' ORDER BY started_at")["counts"]
    daemon.writer.shutdown()
    assert [json.loads(row)["problems"] for row in problems] == [1, 0]  # the failed round is taken up again
    assert told == ["llm"]
    assert len(model.requests) == 2
