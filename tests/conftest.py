"""Fixtures that every test may ask for."""

from tests.shared import shared_data

__all__ = ["shared_data"]
