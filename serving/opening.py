"""Opening a service: the verified champions, the online store and the logs, or a clear refusal."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from domain.errors import BadInput
from features.online import OnlineFeatures
from serving.answering import Answering
from serving.deployment import Deployment
from serving.loader import LoadedModel, load_bundle
from serving.prediction_log import DayLog, open_logs
from serving.registry import NoChampion, fetch_champion
from serving.scoring import Scorer
from serving.settings import ServingSettings
from serving.vocabulary import Vocabulary, registered_features


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
    answering.warm(datetime.now(UTC).date())
    return answering


def champion_scorer(tracking_uri: str, settings: ServingSettings) -> Scorer:
    """A scorer of the champions in the registry; the segmentation is missing if there is none."""
    features = registered_features()
    with tempfile.TemporaryDirectory(prefix="gridkeep-") as private:  # of mode 0700
        folder = Path(private)
        retention = _champion("retention", tracking_uri, folder, features)
        try:
            segmentation = _champion("segmentation", tracking_uri, folder, features)
        except NoChampion:
            segmentation = None
    return Scorer(retention, segmentation, features, settings.threads, settings.reasons)


def _champion(name: str, uri: str, folder: Path, features: Vocabulary) -> LoadedModel:
    fetched = fetch_champion(name, uri, folder)
    return load_bundle(fetched.folder, fetched.digest, fetched.version, features)


def _refuse_other_columns(answering: Answering, path: Path) -> None:
    stored = answering.online.features
    if absent := [name for name in answering.vocabulary if name not in stored]:
        raise BadInput(
            f"online feature store {path} lacks what the models read: {', '.join(absent)}; build "
            "it again with `gridkeep features`"
        )
