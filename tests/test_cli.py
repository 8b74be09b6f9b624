"""Commands as a person calls them: clear answers, documented exit codes, never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

DOCUMENT = {
    "doc_id": "aaaabbbbccccdddd",
    "url": "https://news.example.org/1",
    "source": "example.org",
    "title": "Meta lifts capex",
    "published_at": "2026-02-05",
    "lang": "en",
    "text": "Meta raised its 2026 capital expenditure guidance to $72 billion from $65 billion.",
}


def tracker(*words: str, cwd: Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tracker", *words],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_extract_answers_a_line_per_document(tmp_path: Path) -> None:
    lines = json.dumps(DOCUMENT) + "\n" + json.dumps(DOCUMENT | {"doc_id": "0000", "text": "Nothing here."}) + "\n"
    answers = [json.loads(line) for line in tracker("extract", "-", cwd=tmp_path, stdin=lines).stdout.splitlines()]
    assert [a["doc_id"] for a in answers] == ["aaaabbbbccccdddd", "0000"]
    fact = answers[0]["facts"][0]
    assert (fact["kind"], fact["entity"], fact["value_low"], fact["basis"]) == ("capex", "META", 72e9, "guidance")
    assert DOCUMENT["text"][fact["start"] : fact["end"]] == fact["quote"]
    assert answers[1]["facts"] == []


def test_score_answers_with_signals(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_text(json.dumps(DOCUMENT) + "\n", encoding="utf-8")
    answer = json.loads(tracker("score", "d.jsonl", cwd=tmp_path).stdout)
    assert answer["doc_id"] == DOCUMENT["doc_id"]
    assert {s["claim"] for s in answer["signals"]} >= {"D1"}


def test_ingest_names_what_it_skips_and_repeats_nothing(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_text(json.dumps(DOCUMENT) + "\n", encoding="utf-8")
    (tmp_path / "broken.jsonl").write_text("{\n", encoding="utf-8")
    (tmp_path / "empty.html").write_text("", encoding="utf-8")
    (tmp_path / "cut.xml.gz").write_bytes(b"\x1f\x8b\x08\x00\x00\x00\x00\x00")
    words = ("ingest", "d.jsonl", "broken.jsonl", "empty.html", "cut.xml.gz", "--db", "s.duckdb", "--json")
    first = json.loads(tracker(*words, cwd=tmp_path).stdout)
    assert first["documents"] == 1
    assert first["signals"] >= 1
    assert {Path(s["file"]).name for s in first["skipped"]} == {"broken.jsonl", "empty.html", "cut.xml.gz"}
    assert all(s["reason"] for s in first["skipped"])
    assert json.loads(tracker(*words, cwd=tmp_path).stdout)["documents"] == 0
    moved = json.loads(tracker("thesis", "--db", "s.duckdb", "--json", cwd=tmp_path).stdout)
    d1 = next(row for row in moved if row["claim"] == "D1")
    assert d1["drivers_for"]
    assert tracker("reprocess", "--db", "s.duckdb", "--json", cwd=tmp_path).returncode == 0
    again = json.loads(tracker("signals", "--db", "s.duckdb", "--json", cwd=tmp_path).stdout)
    assert len(again) == first["signals"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("signals", "--db", "none.duckdb"), 6, "there is no database yet"),
        (("run", "--config", "none.toml"), 3, "tracker init"),
        (("ingest", "nowhere"), 5, "no such file"),
        (("extract", "nowhere.jsonl"), 5, "nowhere.jsonl"),
        (("rules", "explain", "no.such"), 4, "there is no rule"),
        (("rules", "check", "--rules", "."), 4, "thesis.yaml"),
        (("model", "convert", "three wishes"), 4, "three wishes"),
        (("once", "--source", "nope"), 3, "there is no source"),
        (("restore", "nothing.tar.gz", "--db", "s.duckdb"), 6, "cannot be read"),
        (("nonsense",), 2, "No such command"),
    ],
)
def test_a_mistake_is_told_with_the_way_out(tmp_path: Path, words: tuple[str, ...], code: int, says: str) -> None:
    done = tracker(*words, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert says in done.stderr.replace("\n", " ")


def test_init_writes_a_configuration_once(tmp_path: Path) -> None:
    assert tracker("init", cwd=tmp_path).returncode == 0
    assert tracker("init", cwd=tmp_path).returncode == 3
    done = tracker("doctor", "--config", "tracker.toml", "--json", cwd=tmp_path)
    checks = {c["check"]: c["ok"] for c in json.loads(done.stdout)}
    assert done.returncode == 1  # contact and mail server are still to be filled in
    assert not checks["contact"]
    assert checks["rules"]
    assert checks["rule tests"]
    assert checks["database"]


def test_backup_and_restore_keep_everything(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_text(json.dumps(DOCUMENT) + "\n", encoding="utf-8")
    tracker("ingest", "d.jsonl", "--db", "a/s.duckdb", cwd=tmp_path)
    assert tracker("backup", "b.tar.gz", "--db", "a/s.duckdb", cwd=tmp_path).returncode == 0
    assert tracker("restore", "b.tar.gz", "--db", "c/s.duckdb", cwd=tmp_path).returncode == 0
    assert tracker("restore", "b.tar.gz", "--db", "c/s.duckdb", cwd=tmp_path).returncode == 6
    count = ("sql", "SELECT count(*) AS n FROM v_signals", "--json", "--db")
    before, after = (json.loads(tracker(*count, db, cwd=tmp_path).stdout) for db in ("a/s.duckdb", "c/s.duckdb"))
    assert before == after != [{"n": 0}]
    assert sorted(p.name for p in (tmp_path / "a" / "raw").rglob("*.zst")) == sorted(
        p.name for p in (tmp_path / "c" / "raw").rglob("*.zst")
    )


@pytest.mark.parametrize(
    "quantity",
    [
        "1 GW",
        "$3.5B of GB200 NVL72 racks",
        "72000 B200 GPUs",
        "72000 GB200 GPUs",
        "1,000,000 GB of HBM3E",
        "75000 CoWoS wafers per month",
        "$80B capex of MSFT",
        "30万片 CoWoS",
    ],
)
def test_quantities_become_racks(tmp_path: Path, quantity: str) -> None:
    done = tracker("model", "convert", quantity, "--json", cwd=tmp_path)
    answer = json.loads(done.stdout)
    assert set(answer) >= {"quantity", "unit", "system", "racks_low", "racks_base", "racks_high", "method", "inputs"}
    assert 0 < answer["racks_low"] <= answer["racks_base"] <= answer["racks_high"]


def test_the_model_reproduces_its_golden_numbers(tmp_path: Path) -> None:
    done = tracker("model", "check", "--json", cwd=tmp_path)
    assert done.returncode == 0
    answer = json.loads(done.stdout)
    assert sum(bool(row["ok"]) for row in answer["golden"]) >= 90


def test_sql_writes_every_format(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_text(json.dumps(DOCUMENT) + "\n", encoding="utf-8")
    tracker("ingest", "d.jsonl", "--db", "s.duckdb", cwd=tmp_path)
    question = ("sql", "SELECT entity, value_low FROM v_capex ORDER BY value_low", "--db", "s.duckdb")
    assert tracker(*question, "--csv", cwd=tmp_path).stdout.splitlines()[0] == "entity,value_low"
    assert tracker(*question, "--parquet", "o.parquet", cwd=tmp_path).returncode == 0
    assert (tmp_path / "o.parquet").stat().st_size > 100
    shell = tracker("sql", "--db", "s.duckdb", cwd=tmp_path, stdin="SELECT 41 + 1 AS answer;\nSELECT broken;\n")
    assert "42" in shell.stdout
    assert tracker("sql", "DELETE FROM signals", "--db", "s.duckdb", cwd=tmp_path).returncode == 6


def test_a_review_takes_effect_at_once_and_time_can_be_turned_back(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_text(json.dumps(DOCUMENT) + "\n", encoding="utf-8")
    db = ("--db", "s.duckdb")
    tracker("ingest", "d.jsonl", *db, cwd=tmp_path)
    signal = json.loads(tracker("signals", "--claim", "D1", *db, "--json", cwd=tmp_path).stdout)[0]

    def d1() -> float:
        rows = json.loads(tracker("thesis", *db, "--json", cwd=tmp_path).stdout)
        return float(next(row["probability"] for row in rows if row["claim"] == "D1"))

    before = d1()
    assert tracker("review", signal["signal_id"], "reject", "--reason", "misread", *db, cwd=tmp_path).returncode == 0
    assert d1() < before
    assert tracker("review", signal["signal_id"], "undo", *db, cwd=tmp_path).returncode == 0
    assert d1() == pytest.approx(before, abs=1e-4)
    assert tracker("review", "nosuch", "confirm", *db, cwd=tmp_path).returncode == 6
    then = json.loads(tracker("replay", "--as-of", "2020-01-01", *db, "--json", cwd=tmp_path).stdout)
    assert then["signals"] == 0
    now = json.loads(tracker("replay", "--as-of", "2100-01-01", *db, "--json", cwd=tmp_path).stdout)
    assert now["signals"] >= 1
