"""Section [monitoring] of `gridkeep.toml`: when a move counts as drift, and who is too small."""

from pydantic import Field

from features.settings import Section


class MonitoringSettings(Section):
    """[monitoring]: a column drifted when q < `q_max` and its effect reaches `effect_min`.

    An effect is a share: of the bank's ranking that the cell's customers moved on average
    (numbers), of customers who would have to change category (categories), or of customers
    whose value went missing.

    >>> MonitoringSettings().q_max
    0.05
    """

    q_max: float = Field(default=0.05, gt=0, lt=1)  # false-discovery rate of an alarm
    effect_min: float = Field(default=0.05, ge=0, le=1)  # smallest effect of an alarm
    cell_floor: int = Field(default=100, ge=1)  # fewer rows in either month: tested in a pool
    untestable: int = Field(default=30, ge=2)  # a last pool with fewer rows is not tested
    columns: list[str] | None = None  # all columns of the profile when absent
    evidently_cells_max: int = Field(default=12, ge=0)  # cells that get a full report
    evidently_rows_max: int = Field(default=2000, ge=100)  # rows a month in a full report
    seed: int = 0  # of the rows drawn for the full reports
