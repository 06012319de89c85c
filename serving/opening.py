"""Opening a service: the verified champions, the online store and the logs, or a clear refusal."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from domain.errors import BadInput
from features.online import OnlineFeatures
from serving.answering import Answering
from serving.deployment import Deployment
from serving.prediction_log import DayLog, open_logs
from serving.registry import NoChampion, fetch_champion
from serving.scoring import Scorer
from serving.sealed import SealedBundle, scorer_of, seal
from serving.settings import ServingSettings


def open_service(deployment: Deployment) -> Answering:
    """Everything loaded and checked, or BadInput that says what is missing and what to do."""
    pseudonyms = open_logs(deployment.logs, deployment.log_key)
    online = OnlineFeatures(deployment.online)
    scorer = champion_scorer(deployment.tracking_uri, deployment.settings)
    answering = Answering(
        scorer,
        online,
        pseudonyms,
        DayLog(deployment.logs, "predictions"),
        DayLog(deployment.logs, "feedback", durable=True),
    )
    _refuse_other_columns(answering, deployment.online)
    answering.warm(datetime.now(UTC).date())  # refuses a model of another grid, too
    return answering


def champion_scorer(tracking_uri: str, settings: ServingSettings) -> Scorer:
    """A scorer of the champions in the registry; the segmentation is missing if there is none."""
    return scorer_of(
        champion_bundles(tracking_uri), settings.threads, settings.reasons, settings.language
    )


def champion_bundles(tracking_uri: str) -> tuple[SealedBundle, ...]:
    """The champions' files, verified and unparsed: retention, and segmentation if there is one."""
    with tempfile.TemporaryDirectory(prefix="gridkeep-") as private:  # of mode 0700
        folder = Path(private)
        retention = seal("retention", fetch_champion("retention", tracking_uri, folder))
        try:
            fetched = fetch_champion("segmentation", tracking_uri, folder)
        except NoChampion:
            return (retention,)
        return (retention, seal("segmentation", fetched))


def _refuse_other_columns(answering: Answering, path: Path) -> None:
    stored = answering.online.features
    if absent := [name for name in answering.vocabulary if name not in stored]:
        raise BadInput(
            f"online feature store {path} lacks what the models read: {', '.join(absent)}; build "
            "it again with `gridkeep features`"
        )
