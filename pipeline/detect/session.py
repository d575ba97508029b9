"""An onnxruntime session for a model: the best provider of the machine, few threads, no spinning."""

from collections.abc import Sequence
from typing import Any

import onnxruntime
import structlog

from pipeline.ops.errors import ModelError
from pipeline.ops.sections import DetectSection

log = structlog.get_logger(__name__)

CPU = "CPUExecutionProvider"
BEST_FIRST = ("CUDAExecutionProvider", CPU)
"""Taken where nothing is configured. TensorRT builds its engine for minutes at the first start: name it to use it."""


ONNXRUNTIME_ERRORS: tuple[type[Exception], ...] = (
    RuntimeError,
    *(
        item
        for item in vars(onnxruntime.capi.onnxruntime_pybind11_state).values()
        if isinstance(item, type) and issubclass(item, Exception)
    ),
)
"""What onnxruntime raises: the classes of its C++ side have no common base but `Exception`."""


def choose_providers(wanted: Sequence[str], available: Sequence[str]) -> list[str]:
    """Return the providers to ask for, in order; the CPU always stands last as the way out.

    Raises:
        ModelError: A configured provider is not part of the installed onnxruntime.
    """
    for provider in wanted:
        if provider not in available:
            raise ModelError(f"detect.providers: {provider} is not available here; there is {', '.join(available)}")
    chosen = list(wanted) or [provider for provider in BEST_FIRST if provider in available]
    return chosen if CPU in chosen else [*chosen, CPU]


def open_session(name: str, weights: bytes, detect: DetectSection) -> Any:
    """Return an `onnxruntime.InferenceSession` for the bytes of a model.

    Raises:
        ModelError: The bytes are no model that onnxruntime can run, or a configured provider is missing.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = detect.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # A spinning thread burns a core that decoding needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    providers = choose_providers(detect.providers, onnxruntime.get_available_providers())
    try:
        session = onnxruntime.InferenceSession(weights, options, providers=providers)
    except ONNXRUNTIME_ERRORS as error:
        raise ModelError(f"model {name}: onnxruntime cannot load it: {error}") from error
    if session.get_providers()[0] != providers[0]:
        log.warning("detect.provider_fell_back", model=name, wanted=providers[0], got=session.get_providers()[0])
    return session
