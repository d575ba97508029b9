"""How the cost of each stage grows with cameras: measured as far as this machine goes, reckoned from there on."""

from typing import Any

from pipeline.bench.confirm import measure_confirm
from pipeline.bench.plan import Plan
from pipeline.bench.plot import Series

CAMERAS = (10, 30, 100, 300, 1000, 1500)
STAGES = ("grab", "detect", "bus", "confirm", "alert", "desk")


def measure_growth(plan: Plan, line: dict[str, Any], crowd: list[dict[str, Any]]) -> dict[str, Any]:
    """Return CPU seconds a second of each stage by cameras.

    Args:
        plan: How many observations confirm is measured with.
        line: The section of the line: what it cost at one or two sizes.
        crowd: Streams of one process, as the grab section measured them.

    Confirm's rules are measured with each number of cameras. The other stages were measured where the line was; beyond,
    each camera more costs what one cost between the two sizes (or on average, where only one was measured).
    """
    costs = [by_stage(size) for size in line["sizes"]]
    measured = {size["cameras"]: cost for size, cost in zip(line["sizes"], costs, strict=True)}
    rows = []
    for cameras in CAMERAS:
        rules = measure_confirm(plan, cameras)
        row: dict[str, Any] = {"cameras": cameras, "measured": cameras in measured}
        row["cores"] = measured.get(cameras) or {
            stage: round(reckon(stage, cameras, line["sizes"], costs), 4) for stage in STAGES
        }
        row["confirm_observations_per_s_per_core"] = rules["both_per_s_per_core"]
        rows.append(row)
    return {"rows": rows, "one_process": [{k: one[k] for k in ("streams", "cpu_s_per_stream_s")} for one in crowd]}


def by_stage(size: dict[str, Any]) -> dict[str, float]:
    """Return the CPU seconds a second of each stage, its processes together."""
    parts: dict[str, float] = dict.fromkeys(STAGES, 0.0)
    for name, cost in size["cpu_s_per_s"].items():
        stage = name.partition("-")[0]
        if stage in parts:
            parts[stage] += cost
    return {stage: round(cost, 4) for stage, cost in parts.items()}


def reckon(stage: str, cameras: int, sizes: list[dict[str, Any]], costs: list[dict[str, float]]) -> float:
    """Return what a stage costs with so many cameras, by the line through the sizes that were measured."""
    (first, low), (last, high) = (sizes[0]["cameras"], costs[0][stage]), (sizes[-1]["cameras"], costs[-1][stage])
    each: float = max(0.0, (high - low) / (last - first)) if last != first else high / last
    return float(high + (cameras - last) * each)


def series(growth: dict[str, Any]) -> list[Series]:
    """Return the lines of the plot: each stage and all together."""
    rows = growth["rows"]

    def points(cost: Any) -> list[tuple[float, float, bool]]:
        return [(row["cameras"], cost(row["cores"]), row["measured"]) for row in rows]

    lines = [Series(stage, points(lambda cores, stage=stage: cores[stage])) for stage in STAGES]
    return [*lines, Series("all", points(lambda cores: sum(cores.values())))]
