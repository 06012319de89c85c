"""Section [serving] of `gridkeep.toml`: where the service listens and what it lets through."""

from typing import Literal

from pydantic import Field

from features.settings import Section


class ServingSettings(Section):
    """[serving]: secrets are not here; keys come from the environment."""

    host: str = "127.0.0.1"  # address to bind; another than loopback needs GRIDKEEP_API_KEYS
    port: int = Field(default=3000, ge=1, le=65535)  # of the service
    workers: int = Field(default=1, ge=1, le=64)  # processes
    timeout_seconds: float = Field(default=30.0, gt=0)  # a request that takes longer gets 504
    body_bytes_max: int = Field(default=5_000_000, ge=1_000)  # a longer request gets 413
    customers_max: int = Field(default=1_000, ge=1, le=1_000)  # of one request
    concurrent_max: int = Field(default=64, ge=1)  # requests at work in one worker; beyond: 429
    threads: int = Field(default=2, ge=1)  # of LightGBM
    reasons: int = Field(default=3, ge=1, le=20)  # reason codes of one score
    language: Literal["en", "zh"] = "en"  # of the reasons' texts: English or Chinese
    batch_rows: int = Field(default=50_000, ge=1)  # customers in memory at once, `gridkeep score`
