"""Statements without a figure in English: classes of wording with paraphrases of our own, and what only sounds like them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from tracker.extract.facts import extract_facts
from tracker.extract.lexicon import Lexicon, load_lexicon
from tracker.resources import data_dir

NVDA = "NVIDIA Corporation (NVDA) earnings call, fiscal 2026 Q1"
Told = tuple[str, str, str | None]  # kind, entity, product


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon([data_dir("rules")])


def _told(lexicon: Lexicon, text: str, title: str = "") -> set[Told]:
    row: dict[str, Any] = {"doc_id": "5" * 16, "title": title, "text": text, "entity": None, "lang": "en"}
    row |= {"published_at": datetime(2026, 3, 12, tzinfo=UTC)}
    facts = extract_facts(pl.DataFrame([row], schema_overrides={"entity": pl.String}), lexicon).to_dicts()
    assert all(text[f["start"] : f["end"]] == f["quote"] for f in facts)
    return {(f["kind"], f["entity"], f["product"]) for f in facts if f["unit"] is None}


ADOPTERS: list[tuple[str, str, set[str]]] = [
    (NVDA, "Our NVLink Fusion is growing. Adoption is broad among custom chip makers, including Marvell, MediaTek, Socionext, and Astera Labs.",
     {"MRVL", "2454.TW", "ALAB"}),
    (NVDA, "This quarter we added CoreWeave and Oracle to the list of Spectrum-X customers.", {"CRWV", "ORCL"}),
    ("", "Microsoft and Meta are among the first to adopt the GB300.", {"MSFT", "META"}),
    ("", "The MI450 has been chosen by Oracle and OpenAI.", {"ORCL", "OPENAI"}),
    ("", "Customers for the MI450 include Meta, OpenAI and Oracle.", {"META", "OPENAI", "ORCL"}),
    ("", "Anthropic is considering using Google's TPUs next year.", {"ANTHROPIC"}),
    ("", "Meta also uses accelerators from AMD in its clusters.", {"META"}),
    ("", "AMD's MI450 will feature compute dies manufactured on TSMC's N2 process.", {"AMD"}),
    ("", "Oracle relies on Nvidia's GPUs for its cloud.", {"ORCL"}),
]  # fmt: skip


@pytest.mark.parametrize(("title", "text", "adopters"), ADOPTERS)
def test_who_adopts_is_told_in_many_ways(lexicon: Lexicon, title: str, text: str, adopters: set[str]) -> None:
    assert adopters <= {entity for kind, entity, _ in _told(lexicon, text, title) if kind == "design_win"}


STATEMENTS: list[tuple[str, Told]] = [
    ("Nvidia's Blackwell GPUs have been on back-order since the spring.", ("supply_tightness", "NVDA", "blackwell")),
    ("GE Vernova said gas turbine slots are scarce until the end of the decade.", ("supply_tightness", "GEV", "gas_turbine")),
    ("A memory crunch is spreading through the server industry.", ("supply_tightness", "MARKET", "dram")),
    ("Micron cannot make enough HBM for its customers.", ("supply_tightness", "MU", "hbm")),
    ("Makers of modules complain of supply-chain constraints in EML parts.", ("supply_tightness", "MARKET", "laser")),
    ("SK Hynix and Micron are struggling to keep up with demand for memory chips.", ("supply_tightness", "MU", "dram")),
    ("The GB300 racks were installed by CoreWeave first.", ("deployment", "CRWV", "gb300_nvl72")),
    ("The first Vera Rubin systems will be deployed by Microsoft.", ("deployment", "MSFT", "rubin")),
    ("Meta is working to bring more capacity online this year.", ("deployment", "META", None)),
    ("AMD, which won a contract from OpenAI, is building racks.", ("order", "OPENAI", None)),
    ("Meta has secured a large supply of Blackwell for next year.", ("order", "META", "blackwell")),
    ("At its keynote AMD revealed new details about its upcoming Helios.", ("product_launch", "AMD", "helios")),
    ("The newly announced MI450 targets smaller clusters.", ("product_launch", "AMD", "mi400")),
    ("Nvidia announced its next generation Rubin platform.", ("product_launch", "NVDA", "rubin")),
    ("Coherent demonstrated its CPO engine at the fair.", ("product_launch", "COHR", "cpo")),
    ("Tesla's AI5 has just been taped out.", ("custom_silicon", "TSLA", "dojo")),
    ("Anthropic is exploring designing its own chips.", ("custom_silicon", "ANTHROPIC", "asic")),
    ("We expect WFE to be up next year.", ("capex", "MARKET", None)),
    ("Meta raised its planned AI investments.", ("capex", "META", None)),
    ("Banks have pulled back from financing for Oracle's data center projects.", ("scaling_doubt", "ORCL", "data_center")),
    ("Amazon, Microsoft and Google met the press. All three companies scrapped data center projects.",
     ("demand_cut", "GOOGL", "data_center")),
    ("Samsung and Micron are ahead. Both companies plan to expand production capacity for HBM.", ("capacity", "MU", "hbm")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), STATEMENTS)
def test_statements_are_worded_in_many_ways(lexicon: Lexicon, text: str, wanted: Told) -> None:
    told = _told(lexicon, text)
    assert wanted[:2] in {t[:2] for t in told}
    assert wanted[2] is None or wanted in told


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Growth included four points of impact from the Brightwave acquisition by AMD.", "acquisition"),
        ("Since we acquired Mellanox, networking has grown.", "acquisition"),
        ("Dell saw increased pricing pressure in servers.", "price"),
        ("Equinix benefits from a favorable pricing environment for cabinets.", "price"),
        ("Meta added headcount to support its data centers.", "deployment"),
        ("Adoption of UALink will depend on partners such as Astera Labs.", "design_win"),
        ("Intel demonstrated a model with 70 billion parameters running on Xeon.", "product_launch"),
        ("Equinix works with MediaTek providers.", "design_win"),
        ("A logistics firm deployed at Equinix to speed up its GPUs.", "deployment"),
    ],
)
def test_what_only_sounds_like_a_statement_is_none(lexicon: Lexicon, text: str, kind: str) -> None:
    assert kind not in {k for k, _, _ in _told(lexicon, text)}
