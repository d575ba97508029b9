"""Frames in, observations out: models by manifest, one pass a frame, nothing committed before it is acknowledged."""
