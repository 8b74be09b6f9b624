"""YAML: values with lines, and nothing that is not plain, finite YAML."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracker import yaml_files
from tracker.errors import RuleError


def test_values_keep_their_lines() -> None:
    file = yaml_files.loads("a:\n  - b: 1\n    c: 2\n", Path("x.yaml"))
    assert file.data == {"a": [{"b": 1, "c": 2}]}
    assert file.line("a", 0, "c") == 3
    assert file.where("a", 0, "missing") == "x.yaml:2"


def test_numbers_with_an_exponent_are_numbers() -> None:
    assert yaml_files.loads("[66e9, 1.5E-3, '66e9', abc]", Path("x")).data == [66e9, 1.5e-3, "66e9", "abc"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1, 2", "not YAML"),
        ("a: 1\na: 2\n", "x.yaml:2: the key 'a' stands twice"),
        ("a: &a [*a]\n", "alias refers to itself"),
        ("a: !!python/object/apply:os.system ['true']\n", "x.yaml:1"),
        ("a: *missing\n", "not YAML"),
        ("\t- a\n", "not YAML"),
    ],
)
def test_what_is_not_plain_yaml_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(RuleError) as caught:
        yaml_files.loads(text, Path("x.yaml"))
    assert message in str(caught.value)


def test_a_bomb_of_aliases_stops_early() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    with pytest.raises(RuleError, match="aliases"):
        yaml_files.loads("\n".join(rows), Path("bomb.yaml"))


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match=r"none\.yaml"):
        yaml_files.load(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes("ä: 1".encode("latin-1"))
    with pytest.raises(RuleError, match="UTF-8"):
        yaml_files.load(tmp_path / "latin.yaml")
