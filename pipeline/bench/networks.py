"""The network alone, in other ways: batches, int8, a GPU. What is not here is left out with the reason."""

import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from pipeline.bench.measure import in_turns, middle, own_cpu_s, ratio
from pipeline.detect.letterbox import Floats
from pipeline.detect.session import CPU, open_session
from pipeline.ops.sections import DetectSection

BATCHES = (2, 4, 8, 16)
GPUS = {"cuda": "CUDAExecutionProvider", "tensorrt": "TensorrtExecutionProvider"}
GPU_BATCH = 16
GPU_ROUNDS = 30
QUANTIZED = ("Conv", "Sigmoid", "Mul", "Add", "Concat", "MaxPool", "Resize", "Slice")
HEAD = "/head/"
BODY = "/model/"
"""Names of nodes: what lies in the head, or outside the model, stays fp32 (scores lose most there)."""

Row = dict[str, Any]


def measure_networks(tensors: Sequence[Floats], weights: bytes, rounds: int, folder: Path) -> dict[str, Row]:
    """Return CPU milliseconds a picture of the network in batches and in int8, and pictures a second on a GPU.

    Args:
        tensors: Pictures as the network takes them, `[1, 3, H, W]`, all of one size.
        weights: The model's bytes.
        rounds: How often each way is measured, in turns.
        folder: Where the int8 model is made.
    """
    section = DetectSection(threads=1, providers=(CPU,))
    session = open_session("fp32", weights, section)
    ways = {"fp32, batch 1": _way(session, tensors, 1)}
    fixed = isinstance(session.get_inputs()[0].shape[0], int)
    for batch in () if fixed else BATCHES:
        ways[f"fp32, batch {batch}"] = _way(session, tensors, batch)
    rows: dict[str, Row] = {}
    if find_spec("onnx") is None:
        rows["int8"] = {"left_out": "onnx is not installed (extra test)"}
    else:
        ways["int8, batch 1"] = _way(open_session("int8", _int8(weights, tensors, folder), section), tensors, 1)
    costs = in_turns(ways, rounds)
    first = costs["fp32, batch 1"]
    for name, found in costs.items():
        rows[name] = {"cpu_ms_per_picture": middle([1000 * cost for cost in found], 3), "speed": ratio(first, found)}
    return rows | {name: _gpu(name, weights, tensors) for name in GPUS}


def _way(session: Any, tensors: Sequence[Floats], batch: int) -> Callable[[], float]:
    """Return a way to measure the CPU seconds a picture in batches of this size."""
    name = session.get_inputs()[0].name
    groups = [np.concatenate(tensors[at : at + batch]) for at in range(0, len(tensors) - batch + 1, batch)]
    groups = groups or [np.concatenate([tensors[n % len(tensors)] for n in range(batch)])]

    def way() -> float:
        used = own_cpu_s()
        for group in groups:
            session.run(None, {name: group})
        return (own_cpu_s() - used) / (len(groups) * batch)

    return way


def _int8(weights: bytes, tensors: Sequence[Floats], folder: Path) -> bytes:
    """Return the model in int8 by static quantization over these pictures, its head kept in fp32."""
    import onnx
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    folder.mkdir(parents=True, exist_ok=True)
    plain, prepared, made = (folder / f"{name}.onnx" for name in ("fp32", "prepared", "int8"))
    plain.write_bytes(weights)
    quant_pre_process(str(plain), str(prepared), skip_symbolic_shape=True)
    graph = onnx.load(prepared).graph
    kept = [node.name for node in graph.node if HEAD in node.name or not node.name.startswith(BODY)]

    class Pictures(quantization.CalibrationDataReader):  # type: ignore[misc]  # no types there
        """Gives the pictures once."""

        def __init__(self) -> None:
            self._rest = iter(tensors)

        def get_next(self) -> dict[str, Floats] | None:
            """Return the next picture."""
            tensor = next(self._rest, None)
            return None if tensor is None else {graph.input[0].name: tensor}

    quantization.quantize_static(
        str(prepared),
        str(made),
        Pictures(),
        per_channel=True,
        activation_type=quantization.QuantType.QUInt8,  # what the VNNI kernels take
        weight_type=quantization.QuantType.QInt8,
        nodes_to_exclude=kept,
        op_types_to_quantize=[*QUANTIZED],
    )
    return made.read_bytes()


def _gpu(name: str, weights: bytes, tensors: Sequence[Floats]) -> Row:
    """Return pictures a second on a GPU, or why there are none."""
    provider = GPUS[name]
    if provider not in onnxruntime.get_available_providers():
        return {"left_out": f"{provider} is not part of the installed onnxruntime"}
    session = open_session(name, weights, DetectSection(providers=(provider, CPU)))
    if session.get_providers()[0] != provider:
        return {"left_out": f"{provider} found no GPU"}
    group = np.concatenate([tensors[n % len(tensors)] for n in range(GPU_BATCH)])
    feed = {session.get_inputs()[0].name: group}
    session.run(None, feed)
    began, used = time.monotonic(), own_cpu_s()
    for _ in range(GPU_ROUNDS):
        session.run(None, feed)
    count = GPU_ROUNDS * GPU_BATCH
    return {
        "pictures_per_s": round(count / (time.monotonic() - began)),
        "cpu_ms_per_picture": round(1000 * (own_cpu_s() - used) / count, 3),
        "batch": GPU_BATCH,
    }
