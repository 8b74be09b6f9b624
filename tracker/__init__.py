"""Event-driven market and supply-chain tracker for one investment thesis."""
