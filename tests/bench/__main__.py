"""Run every benchmark: `python -m tests.bench [name ...]`; each module prints lines `bench NAME VALUE UNIT`."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import tests.bench


def main(names: list[str]) -> int:
    """Run the benchmarks whose name contains one of `names` (all without names); a broken one fails the run."""
    failed = []
    for module in sorted(m.name for m in pkgutil.iter_modules(tests.bench.__path__) if m.name.startswith("bench_")):
        if names and not any(name in module for name in names):
            continue
        print(f"# {module}", flush=True)
        try:
            importlib.import_module(f"tests.bench.{module}").main()
        except Exception as error:  # the others still run; the failure is reported at the end
            failed.append(module)
            print(f"bench {module} failed: {error!r}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
