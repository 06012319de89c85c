import pytest

from training.champions import Promotion, standing
from training.promotion import Evidence, refusal


def evidence(version: str, loss: float, rows: str = "2025-08-01 (closed)") -> Evidence:
    metrics = {"log_loss": loss, "log_loss_low": loss - 0.01, "log_loss_high": loss + 0.01}
    for name in ("average_precision", "assign_accuracy", "next_accuracy"):
        metrics |= {name: 0.5, f"{name}_low": 0.4, f"{name}_high": 0.6}
    return Evidence(version, rows, metrics, None)


def paired(loss: tuple[float, float, float], precision: tuple[float, float, float]) -> Evidence:
    names = ("versus_champion_log_loss", "versus_champion_average_precision")
    metrics = {
        f"{name}{end}": value
        for name, values in zip(names, (loss, precision), strict=True)
        for end, value in zip(("", "_low", "_high"), values, strict=True)
    }
    return Evidence("2", "2025-09-01 (closed)", metrics, compared_with="1")


def test_figures_of_other_rows_do_not_compare() -> None:
    said = refusal("retention", evidence("1", 0.2), evidence("2", 0.1, "2025-09-01 (closed)"))
    assert said is not None
    assert "judged on 2025-09-01 (closed) of data" in said
    assert "champion 1 on 2025-08-01" in said
    assert refusal("segmentation", evidence("1", 0.2), evidence("2", 0.1, "2025-09-01")) is None


def test_the_same_cutoffs_of_other_data_do_not_compare() -> None:
    old, new = evidence("1", 0.2), evidence("2", 0.1)
    assert refusal("retention", old, new) is None
    said = refusal("retention", old, new._replace(data_hashes={"transactions": "f00d"}))
    assert said is not None
    assert "their figures do not compare" in said


@pytest.mark.parametrize("name", ["retention", "segmentation"])
@pytest.mark.parametrize("gone", ["", "_low", "_high"])
def test_a_gate_without_figures_stays_shut(name: str, gone: str) -> None:
    old, new = evidence("1", 0.2), evidence("2", 0.1)
    metric = {"retention": "average_precision", "segmentation": "next_accuracy"}[name]
    less = {key: value for key, value in new.metrics.items() if key != metric + gone}
    unknown = {**new.metrics, metric + gone: float("nan")}
    for first, second in (
        (old, new._replace(metrics=less)),
        (old, new._replace(metrics=unknown)),
        (old._replace(metrics=less), new),
    ):
        said = refusal(name, first, second)
        assert said is not None
        assert f"no figure with an interval for {metric.replace('_', ' ')}" in said


def test_a_paired_comparison_without_figures_stays_shut() -> None:
    good = paired((-1, -2, -0.5), (1, 0.5, 2))
    assert refusal("retention", evidence("1", 0.2), good) is None
    said = refusal("retention", evidence("1", 0.2), good._replace(metrics={}))
    assert said is not None
    assert "no figure" in said


def test_on_the_same_rows_only_intervals_apart_refuse() -> None:
    assert refusal("retention", evidence("1", 0.200), evidence("2", 0.215)) is None
    said = refusal("retention", evidence("1", 0.200), evidence("2", 0.225))
    assert said is not None
    assert "log loss 0.225 (95 % interval 0.215 to 0.235) against 0.2 (0.19 to 0.21)" in said


@pytest.mark.parametrize(
    ("loss", "precision", "refused"),
    [
        ((-0.01, -0.02, -0.001), (0.02, 0.01, 0.03), None),
        ((0.01, -0.001, 0.02), (0.0, -0.01, 0.01), None),
        ((0.01, 0.001, 0.02), (0.0, -0.01, 0.01), "log loss differs by +0.01"),
        ((-0.01, -0.02, 0.0), (-0.05, -0.08, -0.01), "average precision differs by -0.05"),
    ],
)
def test_a_paired_comparison_decides_even_on_other_cutoffs(
    loss: tuple[float, float, float], precision: tuple[float, float, float], refused: str | None
) -> None:
    said = refusal("retention", evidence("1", 0.2), paired(loss, precision))
    assert (said is None) if refused is None else (said is not None and refused in said)


def test_a_comparison_with_a_champion_of_the_past_does_not_count() -> None:
    now = evidence("3", 0.2)
    assert refusal("retention", now, paired((-1, -1, -1), (1, 1, 1))) is not None


def test_rollbacks_walk_back_through_the_champions() -> None:
    def did(*moves: str) -> list[str]:
        return standing([Promotion(*move.split(), at="") for move in moves])

    assert did("first 1", "promote 2", "force 3") == ["1", "2", "3"]
    assert did("first 1", "promote 2", "force 3", "rollback 2") == ["1", "2"]
    assert did("first 1", "promote 2", "rollback 1", "promote 4") == ["1", "4"]
