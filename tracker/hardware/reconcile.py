"""One flow of racks seen at several points: buyers' spending, ODMs' and the leader's revenue, shipment counts.

They are never added. The frame shows each view, their middle and how far they lie apart.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from tracker.hardware.observations import RACKS, SALES

RECONCILED_SCHEMA: Final[dict[str, pl.DataType]] = {
    "quarter": pl.String(),
    "view": pl.String(),  # buyers | leader | odm | shipments
    "racks_low": pl.Float64(),
    "racks_base": pl.Float64(),
    "racks_high": pl.Float64(),
    "middle": pl.Float64(),  # median of the views' bases
    "ratio": pl.Float64(),  # this view's base over the middle
    "agrees": pl.Boolean(),  # the middle lies inside this view's band
    "inputs": pl.List(pl.String()),
}


def reconcile(shares: pl.DataFrame, ledger: pl.DataFrame, entities: pl.DataFrame) -> pl.DataFrame:
    """RECONCILED_SCHEMA from the spread figures (`shares_of_demand`), the ledger and (id, layer) of the entities.

    `buyers` and `shipments` come from the ledger's rack rows, so that both carry its shares; of an issuer with both
    revenue and segment revenue the larger counts: a smaller segment is not the one that ships racks.
    """
    layers = entities.select(pl.col("id").alias("entity"), "layer")
    sales = shares.filter(pl.col("kind").is_in(SALES)).join(layers, on="entity")
    order = ["racks_base", "kind", "input"]
    sales = sales.sort(order, descending=[True, True, False]).unique(
        ["quarter", "entity"], keep="first", maintain_order=True
    )
    seen = sales.with_columns(
        pl.col("layer").replace_strict({"accelerator": "leader", "odm": "odm"}, default=None).alias("view")
    )
    sold = (
        seen.drop_nulls("view")
        .group_by("quarter", "view")
        .agg(pl.col(*RACKS).sum(), pl.col("input").unique().sort().alias("inputs"))
    )
    side = {"demand": "buyers", "supply": "shipments"}
    counted = ledger.filter(pl.col("link") == "racks").with_columns(pl.col("side").replace_strict(side).alias("view"))
    columns = ("quarter", "view", *RACKS, "inputs")
    views = pl.concat([sold.select(columns), counted.select(columns)])
    middle = pl.col("racks_base").median().over("quarter")
    return (
        views.with_columns(middle.alias("middle"))
        .with_columns(
            (pl.col("racks_base") / pl.col("middle")).alias("ratio"),
            pl.col("middle").is_between("racks_low", "racks_high").alias("agrees"),
        )
        .select(pl.col(c).cast(t) for c, t in RECONCILED_SCHEMA.items())
        .sort("quarter", "view")
    )
