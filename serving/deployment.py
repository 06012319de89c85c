"""Where a service runs: the facts and secrets that come by the environment, never by a file.

| variable | holds |
|---|---|
| `GRIDKEEP_ONLINE` | path of the online feature store |
| `GRIDKEEP_LOGS` | folder of the logs |
| `MLFLOW_TRACKING_URI` | the model registry |
| `GRIDKEEP_SERVING` | section [serving] as JSON (default: the defaults) |
| `GRIDKEEP_API_KEYS` | keys of the callers, separated by commas |
| `GRIDKEEP_LOG_KEY` | secret of the pseudonyms in the logs (default: one kept in the folder) |
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from pydantic import ValidationError

from domain.errors import BadInput
from serving.settings import ServingSettings

ONLINE, LOGS, TRACKING = "GRIDKEEP_ONLINE", "GRIDKEEP_LOGS", "MLFLOW_TRACKING_URI"
SETTINGS, KEYS, LOG_KEY = "GRIDKEEP_SERVING", "GRIDKEEP_API_KEYS", "GRIDKEEP_LOG_KEY"

KEY_CHARACTERS = 16


@dataclass(frozen=True)
class Deployment:
    """One service: its store, its registry, its logs, its settings and its secrets."""

    online: Path
    logs: Path
    tracking_uri: str
    settings: ServingSettings = field(default_factory=ServingSettings)
    keys: tuple[str, ...] = field(default=(), repr=False)
    log_key: str | None = field(default=None, repr=False)

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Deployment":
        """The deployment that the environment describes; BadInput names what is missing.

        >>> Deployment.read({})
        Traceback (most recent call last):
        domain.errors.BadInput: environment variable GRIDKEEP_ONLINE is not set; ...
        """
        for name in (ONLINE, LOGS, TRACKING):
            if not environment.get(name):
                raise BadInput(
                    f"environment variable {name} is not set; `gridkeep serve` sets it, a "
                    "container must"
                )
        return cls(
            Path(environment[ONLINE]),
            Path(environment[LOGS]),
            environment[TRACKING],
            _settings(environment.get(SETTINGS, "{}")),
            api_keys(environment),
            environment.get(LOG_KEY) or None,
        )

    def variables(self) -> dict[str, str]:
        """The variables that `read` reads, secrets left out: a child inherits those."""
        return {
            ONLINE: str(self.online),
            LOGS: str(self.logs),
            TRACKING: self.tracking_uri,
            SETTINGS: self.settings.model_dump_json(),
        }


def _settings(text: str) -> ServingSettings:
    try:
        return ServingSettings.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{SETTINGS}: {where}: {first['msg']}") from error


def api_keys(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Keys of the callers; a short key is refused, it would be guessed.

    >>> api_keys({"GRIDKEEP_API_KEYS": " 0123456789abcdef, fedcba9876543210 "})
    ('0123456789abcdef', 'fedcba9876543210')
    """
    keys = tuple(key.strip() for key in environment.get(KEYS, "").split(",") if key.strip())
    if any(len(key) < KEY_CHARACTERS for key in keys):
        raise BadInput(f"a key in {KEYS} is shorter than {KEY_CHARACTERS} characters")
    return keys


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine reach that address.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
