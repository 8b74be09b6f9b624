"""Scale-out networks: how many optical modules a network port of an accelerator costs, by topology.

A non-blocking fat tree of T tiers gives every port T links on its way to the top, and a link has two ends. Rails (each of
a server's ports in a tree of its own) change which switch a port meets, not how many links there are.
"""

from __future__ import annotations

from tracker.hardware.figures import Interval

TIERS = (2, 3)


def hosts_of(radix: int, tiers: int) -> int:
    """Ports a non-blocking fat tree of switches of a radix carries: radix at one tier, radix^2/2, radix^3/4."""
    return int(2 * (radix / 2) ** tiers)


def tiers_for(ports: int, radix: int) -> int:
    """Tiers a network of so many ports needs."""
    tiers = 1
    while hosts_of(radix, tiers) < ports:
        tiers += 1
    return tiers


def modules_per_port(tiers: int, server_copper: Interval) -> Interval:
    """Optical modules per port of an accelerator: two a link, less both ends of server links that are copper.

    server_copper: share of links between server and first switch that are copper cables.
    """
    ends = (server_copper.high, server_copper.base, server_copper.low)
    low, base, high = (2 * tiers - 2 * share for share in ends)
    return Interval(low, base, high)
