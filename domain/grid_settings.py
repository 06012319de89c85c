"""[grid] of gridkeep.toml."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.datum import Datum

Basis = Literal["auto", "h3", "district", "outlet"]
GONE = ("outlets", "outlet_name")  # keys of versions made before outlets were a table
FINER_MOST = 3  # resolutions between town and country; each makes 7 times more pieces


class OverlaySettings(BaseModel):
    """[grid.overlays.NAME]: a layer over the same territory, of places or of groups of customers.

    A layer never changes the cells. Everyone is in one of its places or in none, so the places
    of a layer within a cell add up to the cell.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str | None = None  # GeoJSON of the places, relative to the configuration
    name: str = "name"  # the property that holds a place's name
    kind: str = "kind"  # the property that holds its kind (community, market, campus, village)
    column: str | None = None  # or a column of the customers (kind, tier)

    @model_validator(mode="after")
    def _one_source(self) -> "OverlaySettings":
        if (self.file is None) == (self.column is None):
            raise ValueError("write either file (places) or column (of the customers)")
        return self


class GridSettings(BaseModel):
    """[grid]: how the territory is cut.

    H3 cells are merged by adjacency until each has `floor` customers, then evened out and rounded.
    A `rural_resolution` cell with `town_density` or more customers per km2 is town and cut to
    `resolution`; without `town_density` it is town when it alone reaches the floor. A hard border
    holds for every customer: no merged cell mixes two districts (or outlets); a cell that its
    border keeps under the floor says so. Every customer of the tables counts, those who left too:
    scores and drift, of those with the bank, are of fewer. Nobody is placed by coordinates that are
    0,0, no degrees, the wrong way round or outside the bank's area: `bounds`, else the polygons and
    a tenth around them, else a circle around the median customer (300 km, or ten times the radius
    that holds three customers in four). Where a swapped point is inside that area too (about 30N
    31E both ways round are 150 km apart), it is found by the other customers of the same district,
    else home outlet: over 50 km and ten times the usual distance from their median, and near it the
    other way round. It is believed where a customer has neither, where most of a district are
    swapped, and where latitude and longitude are nearly alike; `bounds` or polygons that leave out
    the other way round find it everywhere. A customer who really lives at the mirror image of their
    district (a Cairene in Alexandria) is taken for swapped, and placed by the district. Without a
    table of outlets, an outlet is amid its customers to about 1 km if `publication.customers_min`
    of them have coordinates, else it has no place and is nobody's nearest. A grid made from the
    version before keeps every cell whose customers lie within `band` times the floor.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    basis: Basis = "auto"  # auto: coordinates if there are any, else districts, else outlets
    resolution: int = Field(default=8, ge=0, le=12)  # of the H3 cells that are merged, in town
    rural_resolution: int | None = Field(default=None, ge=0, le=12)  # elsewhere; absent: 1 coarser
    town_density: float | None = Field(default=None, gt=0)  # customers per km2; absent: see above
    floor: int = Field(default=300, ge=1)  # customers of a merged cell
    band: tuple[float, float] = (0.8, 2.5)  # of the floor: a cell of the version before is kept
    borders: Literal["none", "district", "outlet"] = "none"  # that no merged cell crosses
    areas: Literal["adjacent", "district"] = "adjacent"  # what joins cells of an outlet to an area
    area_cells: int = Field(default=5, ge=1)  # cells of an area of adjacent cells, at least
    bounds: tuple[float, float, float, float] | None = None  # west, south, east, north of the bank
    polygons: str | None = None  # GeoJSON of the districts: their outlines, and who lives in them
    polygon_name: str = "name"  # the property that holds the district's name
    polygon_aliases: dict[str, str] = Field(default_factory=dict)  # customers' name -> polygon's
    datum: Datum = "WGS-84"  # of these GeoJSON files; that of a table is [sources.TABLE] datum
    overlays: dict[str, OverlaySettings] = Field(default_factory=dict)  # [grid.overlays.NAME]

    @model_validator(mode="before")
    @classmethod
    def _outlets_are_a_table(cls, values: Any) -> Any:
        if isinstance(values, dict) and (found := [key for key in GONE if key in values]):
            raise ValueError(
                f"{found[0]} is no key any more: outlets are a table. Write file or table under "
                "[sources.outlets], with the columns outlet_id, latitude and longitude"
            )
        return values

    @model_validator(mode="after")
    def _sensible(self) -> "GridSettings":
        if not self.resolution - FINER_MOST <= self.country <= self.resolution:
            raise ValueError(
                f"rural_resolution must be {self.resolution} (grid.resolution) or up to "
                f"{FINER_MOST} less"
            )
        low, high = self.band
        if not 0 < low <= 1 < 2 <= high:
            raise ValueError("band must be a share of the floor up to 1 and a multiple from 2 on")
        if self.bounds is not None:
            west, south, east, north = self.bounds
            if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
                raise ValueError("bounds must be west, south, east, north in degrees")
        return self

    @property
    def country(self) -> int:
        """The H3 resolution outside of towns.

        >>> GridSettings().country, GridSettings(resolution=6, rural_resolution=6).country
        (7, 6)
        """
        if self.rural_resolution is None:
            return max(0, self.resolution - 1)
        return self.rural_resolution
