"""The real BentoML service, asked over real HTTP."""

import json

import pandas as pd
import pytest

from features.registry import FEATURES
from serving.batch import score_snapshot

pytestmark = pytest.mark.slow

READ = ("recency_days", "transactions_30d", "credit_90d", "balance_mean_90d", "age_years")
READ += ("customer_occupation", "customer_kind")


def ask(client, customers, **more):
    return client.post("/v1/score", json={"customers": customers}, **more)


@pytest.fixture(scope="module")
def batch(tmp_path_factory, bank, scorer):
    out = tmp_path_factory.mktemp("batch") / "scores.parquet"
    score_snapshot(bank.snapshot, scorer, out, bank.grid_version)
    return pd.read_parquet(out)


def brought(bank, row, names=READ):
    values = {name: bank.frame[name][row] for name in names}
    return {name: None if pd.isna(value) else value for name, value in values.items()}


def same(told, row):
    """Whether an entry of an answer is a row of the batch file, to 1e-9."""
    for name in ("customer_id", "grid_version", "cell_id", "risk_band", "segment", "next_segment"):
        assert told[name] == row[name]
    assert told["as_of"] == row["as_of"].isoformat()
    for name in ("churn_probability", "segment_probability", "next_segment_probability"):
        assert told[name] == pytest.approx(row[name], abs=1e-9)
    if pd.isna(row["value_at_risk"]):
        assert told["value_at_risk"] is None
    else:
        assert told["value_at_risk"] == pytest.approx(row["value_at_risk"], abs=1e-9)
    assert [reason["text"] for reason in told["reasons"]] == [
        reason["text"] for reason in row["reasons"]
    ]


def test_looked_up_scores_are_those_of_the_batch(client, bank, batch):
    answer = ask(client, [{"customer_id": each} for each in bank.frame["customer_id"]])
    assert answer.status_code == 200
    for told, (_, row) in zip(answer.json()["scores"], batch.iterrows(), strict=True):
        same(told, row)


def test_one_customer_alone_has_the_score_of_the_batch(client, batch):
    for at in (0, 17, 299):
        told = ask(client, [{"customer_id": batch["customer_id"][at]}]).json()["scores"]
        same(told[0], batch.loc[at])


def test_brought_features_give_the_looked_up_score(client, bank, batch):
    customers = [
        {
            "customer_id": bank.frame["customer_id"][row],
            "features": brought(bank, row),
            "cell_id": bank.frame["cell_id"][row],
            "as_of": "2026-01-01",
        }
        for row in range(50)
    ]
    for row, told in enumerate(ask(client, customers).json()["scores"]):
        same(told, batch.loc[row])


def test_an_answer_keeps_the_order_and_names_the_unknown(client, bank, batch):
    brings = {"customer_id": "new", "features": {**dict.fromkeys(READ), "recency_days": 12}}
    customers = [
        {"customer_id": "C000009"},
        {"customer_id": "nobody"},
        brings,
        {"customer_id": "C000003"},
        {"customer_id": "C000009"},
    ]
    answer = ask(client, customers).json()
    told = answer["scores"]
    assert [each["customer_id"] for each in told] == [c["customer_id"] for c in customers]
    assert told[1]["error"].startswith("unknown customer")
    assert "churn_probability" not in told[1]
    same(told[0], batch.loc[9])
    same(told[3], batch.loc[3])
    assert told[4] == told[0]
    assert told[2]["cell_id"] is None
    assert answer["model"] == {
        "retention_version": "1",
        "segmentation_version": "1",
        "grid_version": bank.grid_version,
    }


def test_null_is_unknown_and_an_unseen_category_is_fine(client):
    words = ("asteroid", "comet")
    brought = [{**dict.fromkeys(READ), "customer_kind": word} for word in words]
    customers = [{"customer_id": "A", "features": each} for each in brought]
    told = ask(client, customers).json()["scores"]
    assert told[0]["churn_probability"] == told[1]["churn_probability"]
    assert told[0]["value_at_risk"] is None


def test_a_feature_left_out_is_an_error_of_its_entry_alone(client):
    few = {"customer_id": "A", "features": {"customer_kind": "clerk"}}
    told = ask(client, [few, {"customer_id": "C000001"}]).json()["scores"]
    assert told[0]["error"].startswith("features are missing: recency_days")
    assert "churn_probability" in told[1]


def test_a_card_number_beside_a_customer_is_an_error_of_its_entry_alone(client):
    customers = [{"customer_id": "4111111111111111"}, {"customer_id": "C000001"}]
    told = ask(client, customers).json()["scores"]
    assert "payment-card" in told[0]["error"]
    assert "churn_probability" in told[1]


def test_a_thousand_customers_are_answered_and_one_more_is_not(client):
    customers = [{"customer_id": f"C{at:06d}"} for at in range(1000)]
    assert len(ask(client, customers).json()["scores"]) == 1000
    refused = ask(client, [*customers, {"customer_id": "C"}])
    assert refused.status_code == 413
    assert "1001 customers; at most 1000" in refused.json()["detail"]


def one(text: str) -> bytes:
    return b'{"customers": [%s]}' % text.encode()


def bringing(text: str) -> bytes:
    return one(f'{{"customer_id": "C1", "features": {text}}}')


BAD = {
    "empty body": b"",
    "truncated": b'{"customers": [{"customer_id": "C1"',
    "not JSON": b"customers=C1",
    "trailing": b'{"customers": [{"customer_id": "C1"}]} x',
    "top-level list": b'[{"customer_id": "C1"}]',
    "top-level null": b"null",
    "customers null": b'{"customers": null}',
    "customers a string": b'{"customers": "C1"}',
    "no customers": b'{"customers": []}',
    "missing field": b'{"customers": [{}]}',
    "no customers key": b"{}",
    "extra field": one('{"customer_id": "C1", "name": "Li"}'),
    "extra top-level key": b'{"customers": [{"customer_id": "C1"}], "debug": true}',
    "customer null": b'{"customers": [null]}',
    "number as id": one('{"customer_id": 1}'),
    "NaN": bringing('{"recency_days": NaN}'),
    "Infinity": bringing('{"recency_days": Infinity}'),
    "minus Infinity": bringing('{"recency_days": -Infinity}'),
    "1e400": bringing('{"recency_days": 1e400}'),
    "number as string": bringing('{"recency_days": "3"}'),
    "true as number": bringing('{"recency_days": true}'),
    "negative count": bringing('{"transactions_30d": -1}'),
    "over its range": bringing('{"age_years": 200}'),
    "5000 digits": bringing('{"recency_days": %s}' % ("1" * 5000)),
    "10^30": bringing('{"recency_days": 1%s}' % ("0" * 30)),
    "number for a category": bringing('{"customer_kind": 3}'),
    "control character in a category": bringing('{"customer_kind": "a\\u0000b"}'),
    "unknown feature": bringing('{"recency": 3}'),
    "duplicate key": one('{"customer_id": "C1", "customer_id": "C2"}'),
    "duplicate feature": bringing('{"recency_days": 1, "recency_days": 2}'),
    "invalid UTF-8": b'{"customers": [{"customer_id": "\xff"}]}',
    "lone surrogate": one('{"customer_id": "\\ud800"}'),
    "second half of a surrogate": one('{"customer_id": "\\udc00"}'),
    "NUL in an id": one('{"customer_id": "C\\u0000"}'),
    "empty id": one('{"customer_id": ""}'),
    "1 MB id": one('{"customer_id": "%s"}' % ("C" * 1_000_000)),
    "nested deep": b"[" * 100_000,
    "nested deep in a value": bringing('{"recency_days": %s}' % ("[" * 100_000)),
    "nested deep and whole": bringing(f'{{"recency_days": {"[" * 100_000}{"]" * 100_000}}}'),
    "BOM": b"\xef\xbb\xbf" + one('{"customer_id": "C1"}'),
    "UTF-16": one('{"customer_id": "C1"}').decode().encode("utf-16"),
    "scalar features": bringing("3"),
    "list features": bringing("[1, 2]"),
    "null features": bringing("null"),
    "nested value": bringing('{"recency_days": {"days": 3}}'),
    "a date that is none": one('{"customer_id": "C", "features": {}, "as_of": "2026-02-30"}'),
    "a cell for a looked-up customer": one('{"customer_id": "C1", "cell_id": "x"}'),
    "card number": one('{"customer_id": "4111111111111111"}'),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_body_is_a_400_problem(client, name):
    json_type = {"Content-Type": "application/json"}
    answer = client.post("/v1/score", content=BAD[name], headers=json_type)
    assert problem(answer, 400)["detail"]


def problem(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = json.loads(answer.text, parse_constant=lambda word: pytest.fail(word))
    assert set(body) >= {"status", "title", "detail", "errors"}
    assert body["status"] == status
    assert all(set(error) == {"loc", "message"} for error in body["errors"])
    return body


def test_a_problem_says_where_and_what(client):
    customers = [{"customer_id": "C1"}, {"customer_id": "C2", "features": {"age_years": "old"}}]
    errors = problem(ask(client, customers), 400)["errors"]
    assert errors == [{"loc": "customers[1].features.age_years", "message": "is not a number"}]
    errors = problem(ask(client, [{"customer_id": 5}]), 400)["errors"]
    assert errors == [{"loc": "customers[0].customer_id", "message": "Expected `str`, got `int`"}]


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/V1/score", "/v1/Score", "//v1/score", "/v1/score/", "/v1/models/9"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_address_is_a_404_problem(client, method, path):
    url = f"{client.base_url}".rstrip("/") + path
    problem(client.request(method, url), 404)


@pytest.mark.parametrize("path", ["/healthz", "/schema.json", "/static_content/x", "/favicon.ico"])
def test_what_bentoml_offers_by_itself_is_not_there(client, path):
    problem(client.get(path), 404)


@pytest.mark.parametrize("method", ["GET", "PUT", "TRACE", "DELETE", "PATCH", "OPTIONS"])
def test_another_method_is_a_405_problem(client, method):
    answer = client.request(method, "/v1/score")
    assert problem(answer, 405)
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_over_the_limit_is_a_413_problem(client, declared):
    body = b" " * 5_000_001
    content = body if declared else (body[at : at + 65536] for at in range(0, len(body), 65536))
    json_type = {"Content-Type": "application/json"}
    answer = client.post("/v1/score", content=content, headers=json_type)
    assert "larger than 5,000,000 bytes" in problem(answer, 413)["detail"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/xml"},
        {"Content-Type": "application/vnd.bentoml+pickle"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "multipart/form-data"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
        {},
    ],
)
def test_another_content_type_is_a_415_problem(client, headers):
    body = one('{"customer_id": "C000001"}')
    problem(client.post("/v1/score", content=body, headers=headers), 415)


def test_the_charset_may_be_said(client):
    headers = {"Content-Type": 'Application/JSON; charset="UTF-8"'}
    body = one('{"customer_id": "C000001"}')
    assert client.post("/v1/score", content=body, headers=headers).status_code == 200


def test_the_service_says_that_it_lives_and_is_ready(client):
    assert client.get("/livez").json() == {"status": "alive"}
    assert client.get("/readyz").json()["retention_version"] == "1"


def test_models_tell_versions_digests_and_features(client, retention_folder):
    models = client.get("/v1/models").json()["models"]
    assert [model["name"] for model in models] == ["retention", "segmentation"]
    assert models[0]["digest"] == retention_folder[1]
    assert set(models[0]["features"]) == set(READ)


def test_the_description_names_every_route_and_its_references_resolve(client):
    text = client.get("/docs.json").text
    described = json.loads(text)
    assert described["openapi"] == "3.1.0"
    assert set(described["paths"]) == {
        *("/v1/score", "/v1/feedback", "/v1/models"),
        *("/livez", "/readyz", "/metrics", "/docs.json"),
    }
    schemas = described["components"]["schemas"]
    reasons = schemas["Score"]["properties"]["reasons"]
    assert "what lowers the risk is never among them" in reasons["description"]
    for piece in text.split('"$ref":"#/components/schemas/')[1:]:
        assert piece.partition('"')[0] in schemas


def test_metrics_count_by_route_and_never_by_a_callers_text(client):
    client.get("/secret-canary-path")
    ask(client, [{"customer_id": "C000001"}])
    page = client.get("/metrics").text
    assert 'gridkeep_requests_total{route="/v1/score",status="200"}' in page
    assert 'gridkeep_scores_total{risk_band="' in page
    assert 'route="other"' in page
    assert "canary" not in page


def test_feedback_is_kept_under_a_pseudonym(client, server):
    told = {"customer_id": "canary-customer", "outcome": "left", "as_of": "2026-01-01"}
    answer = client.post("/v1/feedback", json=told)
    assert (answer.status_code, answer.json()["accepted"]) == (201, 1)
    line = lines(server, "feedback")[-1]
    assert line["feedback_id"] == answer.json()["feedback_id"]
    assert (line["outcome"], line["as_of"]) == ("left", "2026-01-01")
    assert "canary" not in json.dumps(line)
    problem(client.post("/v1/feedback", json={**told, "outcome": "vanished"}), 400)
    problem(client.post("/v1/feedback", json={**told, "customer_id": ""}), 400)


def lines(server, kind):
    (path,) = server.logs.glob(f"{kind}-*.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_score_is_in_the_log_and_no_customer_is_named(client, server):
    customers = [{"customer_id": "C000007"}, {"customer_id": "C000008"}, {"customer_id": "who"}]
    answer = ask(client, customers).json()
    logged = [x for x in lines(server, "predictions") if x["request_id"] == answer["request_id"]]
    assert [x.get("churn_probability") for x in logged] == [
        x.get("churn_probability") for x in answer["scores"]
    ]
    assert logged[0]["grid_version"] == answer["model"]["grid_version"]
    assert logged[0]["customer"] != logged[1]["customer"]
    again = ask(client, customers[:1]).json()["request_id"]
    repeated = [x for x in lines(server, "predictions") if x["request_id"] == again]
    assert repeated[0]["customer"] == logged[0]["customer"]
    for path in server.logs.glob("*"):
        assert b"C000007" not in path.read_bytes(), path


def test_every_request_is_in_the_log_with_its_status(client, server):
    before = len(lines(server, "requests"))
    client.get("/v1/models")
    client.get("/v1/score/C000007")  # a customer's id may come in an address
    client.post("/v1/score", content=b"", headers={"Content-Type": "text/plain"})
    told = lines(server, "requests")[before:]
    assert [(x["path"], x["status"]) for x in told] == [
        ("/v1/models", 200),
        ("other", 404),
        ("/v1/score", 415),
    ]


def test_a_foreign_host_name_is_refused_without_keys(client):
    problem(client.get("/v1/models", headers={"Host": "evil.example"}), 401)
    problem(client.get("/v1/models", headers={"Host": "127.0.0.1.evil.example"}), 401)


def test_every_feature_the_models_read_is_registered():
    assert set(READ) <= set(FEATURES)
