"""Errors of the demonstration, told in one line."""

from pipeline.ops.errors import SiagaError


class DemoError(SiagaError):
    """The simulated cameras or a folder of clips cannot be served; the message names the folder and says why."""
