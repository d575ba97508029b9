"""Simulated street cameras, served over real RTSP (used by `make run`, the load bench and the tests)."""
