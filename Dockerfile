# The scoring service. Build: docker build -t gridkeep .
# Run: docker run -p 127.0.0.1:3000:3000 -e GRIDKEEP_API_KEYS=... -v "$PWD/bank:/srv/bank" gridkeep
FROM python:3.11-slim-bookworm AS build
RUN pip install --no-cache-dir uv==0.13.9
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
WORKDIR /app
COPY pyproject.toml uv.lock README.md LICENSE ./
RUN uv sync --locked --no-dev --no-install-project
COPY domain domain
COPY features features
COPY training training
COPY serving serving
COPY monitoring monitoring
COPY gridkeep gridkeep
RUN uv sync --locked --no-dev --no-editable

FROM python:3.11-slim-bookworm
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /srv/bank gridkeep \
    && mkdir -p /srv/bank && chown gridkeep /srv/bank
COPY --from=build /app/.venv /app/.venv
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    BENTOML_DO_NOT_TRACK=true \
    DO_NOT_TRACK=1 \
    MLFLOW_DISABLE_TELEMETRY=true
USER 10001
WORKDIR /srv/bank
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:3000/readyz', timeout=2)"]
# Binding every address needs GRIDKEEP_API_KEYS; without keys the service refuses to start.
CMD ["gridkeep", "serve", "--host", "0.0.0.0", "--port", "3000"]
