"""Event-driven market and supply-chain tracker for one investment thesis."""

__version__ = "0.1.0"
