"""Siaga: incident detection for a city's CCTV, from camera to duty post."""

__version__ = "0.1.0"
