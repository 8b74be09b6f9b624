"""An OpenAI-compatible endpoint asked for proposals: time limits, a cap on cost, a cache, and no failure that spreads.

Off unless `[extract.llm] base_url` is set. An answer is kept by the hash of everything that led to it, so the same
document is paid for once; what is spent is kept per day beside the answers. Three failures in a row end the round.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx
import polars as pl
import structlog

from tracker.config import LlmSettings
from tracker.extract.lexicon import Lexicon
from tracker.extract.proposals import PROPOSALS_VERSION, accepted, messages
from tracker.extract.reading import prepared
from tracker.vocabulary import FACTS_SCHEMA, empty

MAX_ANSWER_TOKENS: Final = 2_000
MAX_ANSWER_BYTES: Final = 2_000_000
CHARS_PER_TOKEN: Final = 2.0  # careful for Chinese; English has about four
FAILURES: Final = 3  # in a row: the endpoint is down, the round ends
log = structlog.get_logger("llm")


class ProposalError(Exception):
    """The endpoint did not answer in its own protocol. Never leaves this module."""


@dataclass
class Proposals:
    """What a round brought: facts that hold (FACTS schema), why others were refused, what went wrong, what it cost."""

    facts: pl.DataFrame = field(default_factory=lambda: empty(FACTS_SCHEMA))
    refused: dict[str, list[str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    asked: int = 0  # requests made; answers from the cache are free
    cost_usd: float = 0.0


class Proposer:
    """Asks for proposals. Use as a context manager; one at a time per cache folder."""

    def __init__(
        self,
        settings: LlmSettings,
        cache_dir: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        today: Callable[[], date] = lambda: datetime.now(UTC).date(),
    ) -> None:
        self.settings, self.cache_dir, self._clock, self._today = settings, cache_dir, clock, today
        secret = settings.secret_key()
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        self._url = settings.base_url.rstrip("/") + "/chat/completions"
        self._client = httpx.Client(headers=headers, timeout=settings.timeout_s, follow_redirects=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def propose(self, documents: pl.DataFrame, lexicon: Lexicon) -> Proposals:
        """Proposals for documents (DOCUMENTS schema), in order, until the money or the endpoint gives out."""
        out = Proposals()
        replies: dict[str, str] = {}
        failures = 0
        by_id = prepared(documents, lexicon)
        for doc_id, title in documents.select("doc_id", "title").iter_rows():
            conversation = messages(by_id[doc_id], title or "", lexicon)
            key = self._key(conversation)
            reply = self._cached(key)
            if reply is None:
                if not self._affordable(conversation):
                    out.problems.append(f"the cap of {self.settings.max_cost_usd} USD a day is reached")
                    break
                try:
                    out.asked += 1
                    reply, cost = self._ask(conversation)
                except ProposalError as error:
                    out.problems.append(f"document {doc_id}: {error}")
                    failures += 1
                    if failures >= FAILURES:
                        out.problems.append(
                            f"{FAILURES} failures in a row: the endpoint is left alone until the next round"
                        )
                        break
                    continue
                failures = 0
                out.cost_usd += cost
                self._keep(key, reply)
            replies[doc_id] = reply
        out.facts, out.refused = accepted(replies, documents, lexicon, self.settings.model)
        return out

    # --- the endpoint ----------------------------------------------------------------------------------------------

    def _ask(self, conversation: list[dict[str, str]]) -> tuple[str, float]:
        """(the words of the answer, what it cost). Raises ProposalError."""
        body = {
            "model": self.settings.model, "messages": conversation, "temperature": 0,
            "max_tokens": MAX_ANSWER_TOKENS, "response_format": {"type": "json_object"},
        }  # fmt: skip
        deadline = self._clock() + self.settings.timeout_s
        received = bytearray()
        try:
            with self._client.stream("POST", self._url, json=body) as response:
                for piece in response.iter_bytes():
                    received += piece
                    if self._clock() > deadline:  # bytes that trickle in never meet the client's own limit
                        raise ProposalError(f"no answer within {self.settings.timeout_s:g} s")
                    if len(received) > MAX_ANSWER_BYTES:
                        raise ProposalError(f"an answer of more than {MAX_ANSWER_BYTES:,} bytes")
                status = response.status_code
        except httpx.TimeoutException as error:
            raise ProposalError(f"no answer within {self.settings.timeout_s:g} s") from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise ProposalError(f"cannot be asked: {type(error).__name__}") from error
        if status != httpx.codes.OK:
            raise ProposalError(f"answered {status}")
        return self._words(bytes(received), conversation)

    def _words(self, received: bytes, conversation: list[dict[str, str]]) -> tuple[str, float]:
        try:
            answer: Any = json.loads(received)
            words = answer["choices"][0]["message"]["content"]
        except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
            raise ProposalError("an answer that is not of the protocol") from error
        if not isinstance(words, str):
            raise ProposalError("an answer without words")
        usage = answer.get("usage")
        used = usage.get("total_tokens") if isinstance(usage, dict) else None
        tokens = (
            float(used) if isinstance(used, int) and used >= 0 else _tokens(conversation) + len(words) / CHARS_PER_TOKEN
        )
        cost = tokens / 1000 * self.settings.usd_per_1k_tokens
        self._spend(cost)
        return words, cost

    # --- cache and money -------------------------------------------------------------------------------------------

    def _key(self, conversation: list[dict[str, str]]) -> str:
        asked = json.dumps([PROPOSALS_VERSION, self.settings.base_url, self.settings.model, conversation])
        return hashlib.sha256(asked.encode()).hexdigest()

    def _cached(self, key: str) -> str | None:
        try:
            return (self.cache_dir / key[:2] / f"{key}.txt").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def _keep(self, key: str, reply: str) -> None:
        self._put(self.cache_dir / key[:2] / f"{key}.txt", reply)

    def _affordable(self, conversation: list[dict[str, str]]) -> bool:
        most = (_tokens(conversation) + MAX_ANSWER_TOKENS) / 1000 * self.settings.usd_per_1k_tokens
        return self.spent() + most <= self.settings.max_cost_usd

    def spent(self) -> float:
        """USD spent today, by the endpoint's own count of tokens."""
        try:
            return float((self.cache_dir / f"spent-{self._today().isoformat()}.txt").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return 0.0

    def _spend(self, cost: float) -> None:
        self._put(self.cache_dir / f"spent-{self._today().isoformat()}.txt", f"{self.spent() + cost:.6f}")

    def _put(self, file: Path, text: str) -> None:
        """Written whole or not at all. A full disk costs the saving, not the round."""
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            part = file.with_suffix(f".{os.getpid()}.part")
            part.write_text(text, encoding="utf-8", errors="replace")
            part.replace(file)
        except OSError as error:
            log.warning("an answer cannot be kept", file=str(file), error=str(error))


def _tokens(conversation: list[dict[str, str]]) -> float:
    return sum(len(message["content"]) for message in conversation) / CHARS_PER_TOKEN
