"""The words the extractor knows: entities, products, cues; one table of terms for one scan of the text.

Wordings are folded as the text is (`folding`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl

from tracker import yaml_files
from tracker.errors import RuleError
from tracker.extract.folding import fold
from tracker.extract.frames import Frames, load_frames
from tracker.extract.heads import names_pattern
from tracker.extract.terms import CALLING, Term, TermTable
from tracker.extract.trials import Trials, blocks_of
from tracker.extract.wordings import Wordings
from tracker.vocabulary import KINDS, MARKET, UNITS
from tracker.yaml_files import YamlFile

_ENTITY_SCHEMA: Final = {
    "id": pl.String(),
    "name": pl.String(),
    "layer": pl.String(),
    "roles": pl.List(pl.String()),
    "fiscal_year_end_month": pl.Int32(),
    "country": pl.String(),
    "currency": pl.String(),
    "cik": pl.Int64(),
}
_PRODUCT_SCHEMA: Final = {
    "id": pl.String(),
    "family": pl.String(),
    "vendor": pl.String(),
    "terms": pl.List(pl.String()),
}


@dataclass(frozen=True, eq=False)
class Lexicon:
    """Everything the extractor reads besides the text."""

    entities: pl.DataFrame
    products: pl.DataFrame
    terms: Mapping[str, tuple[Term, ...]] = field(repr=False)  # folded wording -> meanings
    patterns: tuple[str, ...] = field(repr=False)  # the wordings, longest first
    cues: Wordings = field(repr=False)  # the wordings that call for a sentence to be read
    sign_patterns: tuple[str, ...] = field(repr=False)  # the wordings that call for a statement's frames
    frames: Frames = field(repr=False)  # how statements are worded
    table: TermTable = field(repr=False, compare=False)
    trials: Trials = field(repr=False, compare=False)  # which frames are worth trying on which sentence
    kinds: Mapping[str, Mapping[str, Any]] = field(repr=False)
    families: Mapping[str, str] = field(repr=False)
    fiscal_year_ends: Mapping[str, int] = field(repr=False)
    currencies: Mapping[str, str] = field(repr=False)
    vendors: Mapping[str, str] = field(repr=False)  # product -> who makes it
    observers: frozenset[str] = field(repr=False)  # entities that report on others
    plain_words: frozenset[str] = field(repr=False)  # before "revenue" they name no part of a business
    layers: Mapping[str, str] = field(repr=False)  # entity -> where it stands in the supply chain
    wordings: Mapping[str, tuple[str, ...]] = field(repr=False)  # entity -> its names, folded
    heads: re.Pattern[str] = field(repr=False)  # a name at the head of a line or sentence
    # product -> the unit it is mostly sold in, where that is not itself (an accelerator sold as a rack)
    sold_as: Mapping[str, str] = field(repr=False, default_factory=dict)

    @property
    def issuers(self) -> dict[int, tuple[str, int]]:
        """CIK → (id, month in which the fiscal year ends)."""
        known = self.entities.filter(pl.col("cik").is_not_null())
        return {
            cik: (entity, month)
            for cik, entity, month in known.select("cik", "id", "fiscal_year_end_month").iter_rows()
        }


def load_lexicon(rules_dirs: Sequence[Path]) -> Lexicon:
    """Watchlist, lexicon and cue words of the folders, later folders over earlier ones (by id).

    Raises RuleError with file:line for anything that is not as it should be.
    """
    entities = _merged(rules_dirs, "watchlist.yaml", "entities", ("id", "name"))
    products = _merged(rules_dirs, "lexicon.yaml", "products", ("id", "terms"))
    cues = _last(rules_dirs, "extraction.yaml")
    kinds = _kinds(cues)
    table: dict[str, dict[Term, None]] = {}

    def add(words: Iterable[Any], term: Term) -> None:
        for word in words:
            table.setdefault(fold(str(word)), {})[term] = None

    ambiguous = cues.data.get("ambiguous", {})
    for entity in entities.values():
        if entity["id"] == MARKET:  # the word "market" names no actor
            continue
        _add_entity(entity, ambiguous.get(entity["id"], {}), add)
    for product in products.values():
        add(product["terms"], Term("product", product["id"]))
    for kind, rule in kinds.items():
        add(rule.get("cues", ()), Term("cue", kind))
        add(rule.get("strong", ()), Term("strong", kind))
        add(rule.get("weak", ()), Term("weak", kind))
        add(rule.get("heard_as", ()), Term("heard", kind))
        add(rule.get("implied", ()), Term("implied", kind))
    frames = load_frames(_last(rules_dirs, "statements.yaml"))
    for kind, wordings in frames.cues.items():
        add(wordings, Term("sign", kind))
    for product_id, words in cues.data.get("segments", {}).items():
        add(words, Term("segment", product_id))
    within = cues.data.get("within_words", {})
    for group in ("basis", "direction"):
        for value, words in cues.data.get(group, {}).items():
            for word in words:  # 传 is no rumour in 传统
                around = within.get(str(word), {})
                before, after = (tuple(fold(str(w)) for w in around.get(k, ())) for k in ("not_before", "not_after"))
                add([word], Term(group, value, None, before, after))
    for word in cues.data.get("observer_words", ()):  # "SEMI" and "IDC" in capitals only
        short = str(word).isupper() and len(str(word)) <= 5
        add([word], Term("observer", "estimate", str(word) if short else None))
    for word in cues.data.get("outsiders", ()):
        add([word], Term("outsider", "outsider", str(word)))
    for role, key in (
        ("negation", "negation"),
        ("hypothetical", "hypothetical"),
        ("boilerplate", "boilerplate"),
        ("issuer", "issuer_words"),
        ("crowd", "crowd_words"),
        ("other_metric", "other_metrics"),
        ("other_metric", "other_metrics_zh"),
        ("setting", "settings"),
        ("place", "places"),
        ("market", "market_words"),
    ):
        add(cues.data.get(key, ()), Term(role, role))
    terms = {word: tuple(meanings) for word, meanings in table.items()}
    patterns = tuple(sorted(terms, key=len, reverse=True))
    cue_words = [w for w, meanings in terms.items() if any(t.role in CALLING for t in meanings)]
    families = {p["id"]: p.get("family", p["id"]) for p in products.values()}
    layers = {e["id"]: e["layer"] for e in entities.values() if e.get("layer")}
    return Lexicon(
        entities=pl.DataFrame([_row(e, _ENTITY_SCHEMA) for e in entities.values()], schema=_ENTITY_SCHEMA),
        products=pl.DataFrame([_row(p, _PRODUCT_SCHEMA) for p in products.values()], schema=_PRODUCT_SCHEMA),
        terms=terms,
        patterns=patterns,
        trials=Trials.of(frames),
        table=TermTable.of(
            terms, patterns, frames.kinds, lambda known, word: blocks_of(known, word, frames, families, layers)
        ),
        cues=Wordings.of(sorted(cue_words, key=len, reverse=True)),
        sign_patterns=tuple(w for w, meanings in terms.items() if any(t.role == "sign" for t in meanings)),
        frames=frames,
        kinds=kinds,
        families=families,
        fiscal_year_ends={e["id"]: int(e.get("fiscal_year_end_month", 12)) for e in entities.values()},
        currencies={e["id"]: e.get("currency", "USD") for e in entities.values()},
        vendors={p["id"]: p["vendor"] for p in products.values() if p.get("vendor")},
        sold_as={p["id"]: p["sold_as"] for p in products.values() if p.get("sold_as")},
        plain_words=frozenset(str(w).lower() for w in cues.data.get("plain_words", ())),
        wordings=_wordings(terms),
        heads=names_pattern(
            w for w, meanings in terms.items() if any(t.role in ("entity", "outsider") for t in meanings)
        ),
        layers=layers,
        observers=frozenset(e["id"] for e in entities.values() if e.get("layer") == "tracker"),
    )


def _add_entity(entity: dict[str, Any], ambiguous: dict[str, Any], add: Any) -> None:
    special = {_form(str(word)) for word in ambiguous.get("words", ())}
    for word in (entity["name"], *entity.get("aliases", ())):
        if _form(str(word)) in special:
            if not ambiguous.get("never"):
                # Chinese has no capitals: the characters tell, and with `need_case` the traditional ones
                exact = str(word) if str(word).isascii() or ambiguous.get("need_case") else None
                before, after = (tuple(fold(str(w)) for w in ambiguous.get(k, ())) for k in ("not_before", "not_after"))
                add([word], Term("entity", entity["id"], exact, before, after))
        elif str(word).isascii() and (len(str(word)) <= 5 or str(word).isupper() or str(word).istitle()):
            # short names and tickers are words too: the capital letters are what tells them apart
            add([word], Term("entity", entity["id"], str(word)))
        else:
            add([word], Term("entity", entity["id"]))


def _wordings(terms: Mapping[str, tuple[Term, ...]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for word, meanings in terms.items():
        for term in meanings:
            if term.role == "entity":
                found.setdefault(term.value, []).append(word)
    return {entity: tuple(words) for entity, words in found.items()}


def _form(word: str) -> str:
    """What two wordings of a name share: Chinese is compared in simplified characters."""
    return word if word.isascii() else fold(word)


def _row(values: dict[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values.get(name) for name in schema}


def _merged(dirs: Sequence[Path], name: str, key: str, needed: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for folder in dirs:
        path = folder / name
        if not path.exists():
            continue
        file = yaml_files.load(path)
        rows = file.data.get(key) if isinstance(file.data, dict) else None
        if not isinstance(rows, list):
            raise RuleError(f"has no list '{key}'", where=file.where())
        seen: set[str] = set()
        for i, row in enumerate(rows):
            for need in needed:
                if not isinstance(row, dict) or not row.get(need):
                    raise RuleError(f"an entry of '{key}' needs '{need}'", where=file.where(key, i))
            if row["id"] in seen:
                raise RuleError(f"the id '{row['id']}' stands twice", where=file.where(key, i, "id"))
            seen.add(row["id"])
            found[str(row["id"])] = row
    if not found:
        raise RuleError(
            f"no {name} in {', '.join(map(str, dirs))}",
            hint="a thesis folder needs one; 'tracker rules init DIR' writes it",
        )
    return found


def _last(dirs: Sequence[Path], name: str) -> YamlFile:
    for folder in reversed(dirs):
        if (folder / name).exists():
            return yaml_files.load(folder / name)
    from tracker.resources import data_dir  # a thesis without own cue words uses the built-in ones

    return yaml_files.load(data_dir("rules") / name)


def _kinds(file: YamlFile) -> dict[str, dict[str, Any]]:
    kinds: dict[str, dict[str, Any]] = file.data.get("kinds", {})
    for kind, rule in kinds.items():
        if kind not in KINDS:
            raise RuleError(f"'{kind}' is not a kind of fact", where=file.where("kinds", kind))
        for unit in rule.get("units", ()):
            if unit not in UNITS:
                raise RuleError(f"'{unit}' is not a unit", where=file.where("kinds", kind, "units"))
    return kinds


_FOLLOWING: Final = re.compile(r"\s?(\w{1,24})")


def following_word(folded: str, end: int) -> str | None:
    """The word behind a place, when not more than a space stands between."""
    found = _FOLLOWING.match(folded, end)
    return found[1] if found else None


_PRECEDING: Final = re.compile(r"(\w{1,24})\s?$")


def preceding_word(folded: str, start: int) -> str | None:
    """The word before a place, when not more than a space stands between."""
    found = _PRECEDING.search(folded, max(0, start - 26), start)
    return found[1] if found else None
