"""The thesis as files: claims with priors and half-lives, rules for and against them, the supplier graph.

A broken rule is put aside with file:line and the others load; a broken `thesis.yaml` is refused, for nothing can be
weighed without it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema

from tracker import yaml_files
from tracker.errors import RuleError
from tracker.resources import data_dir
from tracker.thesis.compile import compile_rule
from tracker.thesis.rulebook import Claim, Rule, Thesis
from tracker.vocabulary import SEVERITIES, STAGES
from tracker.yaml_files import YamlFile

# Files of a thesis folder that hold no rules.
OTHER_FILES: Final = frozenset(
    {
        "thesis.yaml",
        "graph.yaml",
        "watchlist.yaml",
        "lexicon.yaml",
        "sources.yaml",
        "alerts.yaml",
        "extraction.yaml",
        "statements.yaml",
    }
)


# What of a rule may change without its signals becoming others.
_WORDS_ONLY: Final = frozenset({"tests", "why", "fires", "silent"})


def load_thesis(dirs: Sequence[Path]) -> Thesis:
    """Load thesis folders, later ones over earlier ones. Raises RuleError when there is no usable thesis.yaml."""
    files = [d / "thesis.yaml" for d in dirs if (d / "thesis.yaml").exists()]
    if not files:
        raise RuleError(
            f"no thesis.yaml in {', '.join(map(str, dirs))}",
            hint="'tracker rules init DIR' writes a thesis to start from",
        )
    claims: dict[str, Claim] = {}
    pillars: dict[str, str] = {}
    weights: dict[str, Any] = {}
    stages: dict[str, dict[str, Any]] = {}
    for path in files:
        file = yaml_files.load(path)
        _validate(file, file.data, "thesis", ())
        pillars |= {p["id"]: p["text"] for p in file.data["pillars"]}
        weights |= file.data.get("weights", {})
        stages |= file.data.get("stages", {})
        for i, entry in enumerate(file.data["claims"]):
            if entry["pillar"] not in pillars:
                raise RuleError(
                    f"the pillar '{entry['pillar']}' is not declared", where=file.where("claims", i, "pillar")
                )
            claims[entry["id"]] = _claim(entry)
    rules: dict[str, Rule] = {}
    problems: list[RuleError] = []
    for folder in dirs:
        for path in sorted(folder.glob("*.yaml")):
            if path.name not in OTHER_FILES:
                _load_rules(path, claims, rules, problems)
    return Thesis(claims, pillars, list(rules.values()), weights, _graph(dirs, problems), problems, _in_order(stages))


def _in_order(stages: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: stages[name] for name in STAGES if name in stages}


def _claim(entry: dict[str, Any]) -> Claim:
    prior = float(entry["prior"])
    return Claim(
        id=entry["id"],
        pillar=entry["pillar"],
        text=entry["text"],
        text_zh=entry["text_zh"],
        strengthened_by=entry.get("strengthened_by", ""),
        falsified_by=entry.get("falsified_by", ""),
        prior=math.log(prior / (1 - prior)),
        half_life_days=float(entry["half_life_days"]),
        backtest=entry.get("backtest"),
    )


def _load_rules(path: Path, claims: dict[str, Claim], rules: dict[str, Rule], problems: list[RuleError]) -> None:
    try:
        file = yaml_files.load(path)
        entries = file.data.get("rules") if isinstance(file.data, dict) else None
        if not isinstance(entries, list):
            raise RuleError("has no list 'rules'", where=file.where())
    except RuleError as problem:
        problems.append(problem)
        return
    here: set[str] = set()
    for i, entry in enumerate(entries):
        try:
            rule = _rule(file, i, entry, claims)
            if rule.id in here:
                raise RuleError(f"the rule '{rule.id}' stands twice", where=file.where("rules", i, "id"))
        except RuleError as problem:
            problems.append(problem)
            continue
        here.add(rule.id)
        rules[rule.id] = rule


def _rule(file: YamlFile, i: int, entry: Any, claims: dict[str, Claim]) -> Rule:
    place = ("rules", i)
    _validate(file, entry, "rule", place)
    claim = claims.get(entry["claim"])
    if claim is None:
        near = get_close_matches(entry["claim"], claims, 1)
        raise RuleError(
            f"there is no claim '{entry['claim']}'",
            where=file.where(*place, "claim"),
            hint=f"did you mean '{near[0]}'?" if near else f"claims: {', '.join(claims)}",
        )
    rule = Rule(
        id=entry["id"],
        claim=claim.id,
        pillar=claim.pillar,
        direction=1 if entry["direction"] == "for" else -1,
        severity=entry.get("severity", "low"),
        when=entry["when"],
        strength=str(entry["strength"]),
        confidence=str(entry.get("confidence", "source_tier * basis_weight * corroboration")),
        say=entry["say"],
        say_zh=entry.get("say_zh", entry["say"]),
        tests=entry["tests"],
        version=hashlib.sha256(
            json.dumps({k: v for k, v in entry.items() if k not in _WORDS_ONLY}, sort_keys=True).encode()
        ).hexdigest()[:8],
        where=file.where(*place),
        test_lines=tuple(file.where(*place, "tests", t) for t in range(len(entry["tests"]))),
        why=entry.get("why", ""),
        fires=entry.get("fires", ""),
        silent=entry.get("silent", ""),
    )
    try:
        compile_rule(rule)
    except RuleError as problem:
        key = problem.where if problem.where in entry else None
        raise RuleError(
            problem.message, where=file.where(*place, *([key] if key else [])), hint=problem.hint
        ) from problem
    return rule


@cache
def _validator(name: str) -> Any:
    text = (data_dir("rules") / "schema" / f"{name}.json").read_text(encoding="utf-8")
    return jsonschema.Draft202012Validator(json.loads(text))


def _validate(file: YamlFile, value: Any, schema: str, place: tuple[str | int, ...]) -> None:
    """The first violation of a JSON Schema, told with file:line and the nearest allowed name."""
    error = jsonschema.exceptions.best_match(_validator(schema).iter_errors(value))
    if error is None:
        return
    path = (*place, *error.absolute_path)
    name = value.get("id") if isinstance(value, dict) else None
    prefix = f"rule '{name}': " if schema == "rule" and isinstance(name, str) else ""
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        allowed = list(error.schema.get("properties", {}))
        unknown = next((k for k in error.instance if k not in allowed), "?")
        near = get_close_matches(str(unknown), allowed, 1)
        raise RuleError(
            f"{prefix}unknown field '{unknown}'",
            where=file.where(*path, unknown),
            hint=f"did you mean '{near[0]}'?" if near else f"fields: {', '.join(allowed)}",
        )
    raise RuleError(
        f"{prefix}{'.'.join(map(str, error.absolute_path)) or 'entry'}: {error.message[:300]}", where=file.where(*path)
    )


def _graph(dirs: Sequence[Path], problems: list[RuleError]) -> list[dict[str, Any]]:
    edges: list[dict[str, Any]] = []
    for folder in dirs:
        path = folder / "graph.yaml"
        if not path.exists():
            continue
        try:
            file = yaml_files.load(path)
            for i, edge in enumerate(file.data.get("edges", [])):
                missing = [k for k in ("from", "to", "product", "source") if not edge.get(k)]
                if missing:
                    raise RuleError(f"an edge needs {', '.join(missing)}", where=file.where("edges", i))
                edges.append(edge)
        except RuleError as problem:
            problems.append(problem)
    return edges


def severity_rank(severity: str) -> int:
    """Position of a severity, lowest first."""
    return SEVERITIES.index(severity)
