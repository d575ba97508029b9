"""Tests of the temporal model."""
