"""The demonstration: bundled samples, served by a local server, through the real fetcher into a fresh database."""
