"""`gridkeep.toml`: every stage's section composed, checked, and its paths resolved."""

import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.errors import BadInput, together
from domain.grid import GridSettings
from domain.layout import Layout
from domain.profit import ProfitSettings
from domain.publication import PublicationSettings
from features.settings import (
    BankSettings,
    EngineSettings,
    LabelSettings,
    QualitySettings,
    Section,
    SourceSettings,
    ValueSettings,
)
from monitoring.settings import MonitoringSettings
from serving.settings import ServingSettings
from training.settings import (
    PromotionSettings,
    RetentionSettings,
    SegmentationSettings,
    TrackingSettings,
    store_uri,
)

BOUNDS = {
    "greater_than_equal": "it must be {ge} or more",
    "greater_than": "it must be more than {gt}",
    "less_than_equal": "it must be {le} or less",
    "less_than": "it must be less than {lt}",
    "missing": "it is required",
}


class OutputSettings(Section):
    """[output]: the folder under which everything is written."""

    folder: str = "."  # tables, grids, snapshots, reports and logs go here


class Config(BaseModel):
    """The whole file; `home` is its folder, against which paths are resolved."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bank: BankSettings = Field(default_factory=BankSettings)
    sources: SourceSettings = Field(default_factory=SourceSettings)
    quality: QualitySettings = Field(default_factory=QualitySettings)
    output: OutputSettings = Field(default_factory=OutputSettings)
    engine: EngineSettings = Field(default_factory=EngineSettings)
    grid: GridSettings = Field(default_factory=GridSettings)
    publication: PublicationSettings = Field(default_factory=PublicationSettings)
    label: LabelSettings = Field(default_factory=LabelSettings)
    retention: RetentionSettings = Field(default_factory=RetentionSettings)
    segmentation: SegmentationSettings = Field(default_factory=SegmentationSettings)
    profit: ProfitSettings = Field(default_factory=ProfitSettings)
    value: ValueSettings = Field(default_factory=ValueSettings)
    promotion: PromotionSettings = Field(default_factory=PromotionSettings)
    tracking: TrackingSettings = Field(default_factory=TrackingSettings)
    serving: ServingSettings = Field(default_factory=ServingSettings)
    monitoring: MonitoringSettings = Field(default_factory=MonitoringSettings)
    home: Path = Field(default=Path(), exclude=True)

    @property
    def layout(self) -> Layout:
        """Where the stages write."""
        return Layout(self.home / self.output.folder)

    @property
    def source_folder(self) -> Path:
        """Where the reader looks."""
        return self.home / self.sources.path

    @property
    def tracking_uri(self) -> str:
        """Where models are kept; MLFLOW_TRACKING_URI wins, a relative SQLite path is ours."""
        return store_uri(self.tracking, self.home)


def load_config(path: Path) -> Config:
    """Read and check the file; one message names every key that is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise BadInput(
            f"there is no {path}; start one with `gridkeep init`, or name it with --config"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read {path}: {error}") from error
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path} is not valid TOML: {error}") from error
    if "home" in values:
        raise BadInput(f"{path}: unknown key 'home'")
    try:
        return Config.model_validate({**values, "home": path.parent})
    except ValidationError as error:
        raise BadInput(together([_told(path, problem) for problem in error.errors()])) from error


def _told(path: Path, problem: Any) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{path}: unknown key {where!r}{_known(problem['loc'])}"
    words, seen = _words(problem), problem["input"]
    if isinstance(seen, dict):  # a whole section: the words name the keys
        return f"{path}: {words if words.startswith(where) else f'{where}: {words}'}"
    if "://" in str(seen) or where.endswith(("url", "uri")):  # it may hold a token or a password
        return f"{path}: {where}: {words}"
    return f"{path}: {where} = {seen!r}: {words}"


def _words(problem: Any) -> str:
    """What pydantic found wrong, in ours.

    >>> _words({"type": "greater_than_equal", "ctx": {"ge": 0}, "msg": "Input should be ..."})
    'it must be 0 or more'
    """
    if problem["type"] in BOUNDS:
        limits = problem.get("ctx", {}).items()
        plain = {key: f"{at:g}" if isinstance(at, float) else at for key, at in limits}
        return BOUNDS[problem["type"]].format(**plain)
    return str(problem["msg"]).removeprefix("Value error, ").replace("Input should", "it must")


def _known(loc: tuple[str | int, ...]) -> str:
    """The keys that could have been meant, when the section is one of ours."""
    model: Any = Config
    for part in loc[:-1]:
        field = model.model_fields.get(part) if hasattr(model, "model_fields") else None
        model = _section(field.annotation) if field else None
    if model is None:
        return ""
    names = sorted(name for name in model.model_fields if name != "home")
    return f"; known are {', '.join(names)}"


def _section(annotation: Any) -> Any:
    choices = [annotation, *getattr(annotation, "__args__", ())]
    return next((choice for choice in choices if hasattr(choice, "model_fields")), None)
