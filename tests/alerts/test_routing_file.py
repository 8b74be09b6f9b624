"""alerts.yaml: what is wrong with it is told with file:line and a way out; its tests can fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.alerts.small import kit
from tracker import yaml_files
from tracker.alerts.check import run_tests
from tracker.alerts.routing import Routing
from tracker.alerts.routing_file import read_routing
from tracker.config import MailSettings
from tracker.errors import RuleError
from tracker.kit import names_of


def read(text: str, folder: Path = Path()) -> Routing:
    return read_routing(yaml_files.loads(text, folder / "alerts.yaml"), names_of(kit().thesis, kit().lexicon))


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("routes: {}\nroute: {}\n", 2, "unknown field 'route'"),
        ("recipients: []\n", 1, "'routes' is a required property"),
        ("routes:\n  match: {claim: D99}\n", 2, "there is no claim 'D99'"),
        ("routes:\n  match: {pillar: demandd}\n", 2, "did you mean 'demand'?"),
        ("routes:\n  match: {entity: METTA}\n", 2, "did you mean 'META'?"),
        ("routes:\n  match: {layer: memry}\n", 2, "did you mean 'memory'?"),
        ("routes:\n  match: {severity: loud}\n", 2, "severity"),
        ("routes:\n  match: {colour: red}\n", 2, "unknown field 'colour'"),
        ("routes:\n  group_wait: soon\n", 2, "30s or 4h"),
        ("routes:\n  group_by: [smell]\n", 2, "smell"),
        ("routes:\n  to: [nobody]\n", 2, "there is no recipient 'nobody'"),
        ("routes:\n  mute: [nights]\n", 2, "there is no mute time 'nights'"),
        ("routes:\n  tell: tomorrow\n", 2, "tell"),
        ("routes:\n  routes:\n    - {name: a}\n    - {name: a}\n", 2, "two routes are called"),
        ("routes: {}\nmute_times:\n  - {id: n, from: '25:00', to: '06:00'}\n", 3, "07:30"),
        ("routes: {}\nmute_times:\n  - {id: n, holidays: [MOON]}\n", 3, "there is no calendar 'MOON'"),
        ("routes: {}\nmute_times:\n  - {id: n, timezone: Europe/Berln}\n", 3, "did you mean 'Europe/Berlin'?"),
        ("routes: {}\nmute_times:\n  - {id: n, holidays: [NYSE], days: [mon]}\n", 3, "not both"),
        ("routes: {}\nrecipients:\n  - {id: a, email: 'a@b.c\\nBcc: x@y.z'}\n", 3, "email"),
        ("routes: {}\nrecipients:\n  - {id: a}\n", 3, "neither email nor channels"),
        ("routes: {}\nrecipients:\n  - {id: a, email: a@b.c}\n  - {id: a, email: d@e.f}\n", 4, "twice"),
        ("routes: {}\nrecipients:\n  - {id: a, email: a@b.c, channels: [smoke]}\n", 3, "there is no channel 'smoke'"),
        ("routes: {}\nrecipients:\n  - {id: a, email: a@b.c, pillars: [hbmm]}\n", 3, "did you mean 'hbm'?"),
        ("routes: {}\nchannels:\n  - {id: c}\n", 3, "url"),
        ("routes: {}\nchannels:\n  - {id: c, url_file: not-there}\n", 3, "cannot be read"),
        ("routes: {}\ninhibit:\n  - {name: i, source: {claim: D99}, same: [claim]}\n", 3, "there is no claim"),
        ("routes: {}\noperators: {to: [nobody]}\n", 2, "there is no recipient"),
    ],
)
def test_a_broken_file_names_its_line_and_the_way_out(text: str, line: int, words: str, tmp_path: Path) -> None:
    with pytest.raises(RuleError) as caught:
        read(text, tmp_path)
    assert f"alerts.yaml:{line}" in str(caught.value)
    assert words in str(caught.value)


def test_a_node_has_from_its_parent_what_it_does_not_say() -> None:
    routing = read(
        "routes:\n  tell: digest\n  group_wait: 5m\n  routes: [{name: a, group_wait: 1h}, {name: b, tell: auto}]\n"
    )
    a, b = routing.root.children
    assert (a.tell, a.group_wait.seconds) == ("digest", 3600)
    assert (b.tell, b.group_wait.seconds) == ("auto", 300)


def test_recipients_of_the_configuration_are_there_without_a_word() -> None:
    mail = MailSettings(host="h", sender="t@example.org", to=("a@example.org", "b@example.org"), immediate="medium")
    text = "recipients: [{id: bea, email: b@example.org, language: zh, timezone: Asia/Taipei, digest_at: '08:15', per_hour: 2}]\nroutes: {}\n"
    a, b = read(text).readers(mail)
    assert (a.name, a.language, a.immediate, a.channels) == ("a@example.org", "en", "medium", ("email",))
    assert (b.name, b.language, b.zone.key, b.digest_at, b.immediate, b.per_hour) == (
        "bea",
        "zh",
        "Asia/Taipei",
        "08:15",
        "medium",
        2,
    )


def test_without_a_mail_server_only_channels_are_left() -> None:
    text = "recipients: [{id: a, email: a@b.c}, {id: r, channels: [n]}]\nchannels: [{id: n, url: 'json://127.0.0.1'}]\nroutes: {}\n"
    assert [r.name for r in read(text).readers(MailSettings())] == ["r"]


def test_the_built_in_file_passes_its_own_tests_and_a_wrong_expectation_fails() -> None:
    built_in = kit().routing
    pillars = {c.id: c.pillar for c in kit().thesis.claims.values()}
    assert [o.message for o in run_tests(built_in, pillars, kit().lexicon.layers) if not o.ok] == []
    assert len(built_in.tests) >= 8
    text = "routes: {tell: digest}\ntests:\n  - {name: loud, signal: {claim: D1, severity: high}, expect: {how: at_once, to: [reader]}}\n"
    (outcome,) = run_tests(read(text), pillars, {})
    assert not outcome.ok
    assert outcome.where == "alerts.yaml:3"
    assert "how is digest, expected at_once" in outcome.message


def test_the_example_of_the_documentation_is_what_the_program_reads(root: Path, tmp_path: Path) -> None:
    page = (root / "docs" / "alerts.md").read_text(encoding="utf-8")
    example = page.split("```yaml\n")[1].split("```")[0]
    for name in ("ntfy.url", "hook.key"):
        (tmp_path / name).write_text("json://127.0.0.1", encoding="utf-8")
    routing = read(example, tmp_path)
    assert [r.name for r in routing.root.every()] == ["all", "all/falsifiers", "all/memory"]
    assert len(routing.readers(MailSettings(host="h", sender="t@example.org"))) == 3
