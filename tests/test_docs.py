"""Documentation is true: every command in it runs, the schema page is what the database says."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tracker.cli.schema_doc import schema_markdown

ROOT = Path(__file__).resolve().parent.parent
# Commands that never end, need an answer from outside, or set the machine up; each is covered by tests of its own.
ELSEWHERE = ("make demo", "make test", "tracker run", "tracker --install-completion", "tracker doctor")


def commands() -> Iterator[str]:
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            for line in block.splitlines():
                command = line.partition("  #")[0].strip().replace(".venv/bin/", "")
                if command and not command.startswith(ELSEWHERE):
                    yield command
        yield from (c for c in re.findall(r"\| `(tracker [^`]+)`", page.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database that holds the demonstration, and the files the documentation names."""
    folder = tmp_path_factory.mktemp("docs")
    subprocess.run(
        [sys.executable, "-m", "tracker", "demo", "--dir", "var", "--json"], cwd=folder, check=True, capture_output=True
    )
    for name in ("docs", "rules"):  # examples are named by their place in the checkout
        (folder / name).symlink_to(ROOT / name)
    (folder / "report.html").write_text(
        "<html><body><article><p>"
        + "Meta raised its 2026 capital expenditure guidance to $72 billion. " * 10
        + "</p></article></body></html>",
        encoding="utf-8",
    )
    (folder / "filings").mkdir()
    (folder / "filings" / "a.json").write_text(
        '{"items": [{"id": "1", "title": "x", "content_text": "y"}]}', encoding="utf-8"
    )
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("command", sorted(set(commands())))
def test_a_documented_command_runs(workplace: Path, command: str) -> None:
    words = shlex.split(command)
    words = [str(workplace / "filings" / "a.json") if w == "filings/*.json" else w for w in words]
    if words[:2] == ["tracker", "init"]:
        (workplace / words[-1]).unlink(missing_ok=True)
        (workplace / "tracker.toml").unlink(missing_ok=True)
    if words[:2] == ["tracker", "restore"]:
        subprocess.run(
            [sys.executable, "-m", "tracker", "backup", words[2]], cwd=workplace, check=True, capture_output=True
        )
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=workplace, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_the_schema_page_is_what_the_database_says() -> None:
    written = (ROOT / "docs" / "schema.md").read_text(encoding="utf-8")
    assert written == schema_markdown(), "run: python -m tracker.cli.schema_doc > docs/schema.md"
