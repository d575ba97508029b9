"""Re-exported for readers of the registry: how a camera's address may be shown."""

from pipeline.ops.redact import redact_text, redact_url

__all__ = ["redact_text", "redact_url"]
