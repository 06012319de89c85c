"""The BentoML service: our application behind our door; the only file that knows BentoML.

`bentoml serve serving.service:GridkeepService` with the variables of `serving.deployment`.
"""

import functools
import os
import warnings

from serving.app import create_app
from serving.deployment import Deployment
from serving.door import Door
from serving.metrics import Metrics
from serving.opening import open_service

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # BentoML 1.4 calls old names of pathspec and pydantic
    from bentoml import asgi_app, service

# BentoML's own limit stays behind ours, which answers with a problem document.
BENTOML_TIMEOUT_SECONDS = 3600


@functools.cache
def deployment() -> Deployment:
    """The deployment, read from the environment at the first call."""
    return Deployment.read(os.environ)


metrics = Metrics()
application = create_app(deployment, open_service, metrics)


@service(
    name="gridkeep",
    traffic={"timeout": BENTOML_TIMEOUT_SECONDS},
    # ours count by route; BentoML's keep every path that anybody asked for
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},  # the door writes the record of each call
)
@asgi_app(application)
class GridkeepService:
    """Churn risk, value at risk, segment and reason codes of customers."""


GridkeepService.add_asgi_middleware(  # type: ignore[attr-defined]
    Door, application=application, deployment=deployment, metrics=metrics
)
