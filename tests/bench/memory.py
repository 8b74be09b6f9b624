"""Peak memory of extraction, in a process of its own: `python -m tests.bench.memory documents|one_line [MB]`."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.bench.bench_extract import _EN, _document, documents, size
from tracker.extract.facts import extract_facts
from tracker.extract.lexicon import load_lexicon
from tracker.resources import data_dir


def main(shape: str, megabytes: int = 100) -> None:
    """Print what 100 MB of text take beyond the process with the text in it, as a multiple of the text."""
    lexicon = load_lexicon([data_dir("rules")])
    extract_facts(documents(_EN, 0.1, "en"), lexicon)
    if shape == "documents":
        frame = documents(_EN, megabytes, "en")
    else:
        frame = _document(_EN * (megabytes * 1_000_000 // len(_EN)))
    before = _peak()
    extract_facts(frame, lexicon)
    more = _peak() - before
    print(f"{more:.0f} MB for {size(frame):.0f} MB of text as {shape}: {more / size(frame):.1f} times the batch")


def _peak() -> float:
    """The most memory this program held, in MB. `ru_maxrss` will not do: a child starts with that of its parent."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) / 1000


if __name__ == "__main__":
    main(*sys.argv[1:2])
