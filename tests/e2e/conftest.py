"""Servers that the end-to-end tests share."""

from tests.postgres import postgres

__all__ = ["postgres"]
