"""Cameras in, sampled frames out: source -> sampler -> publisher, and clips from the ring of encoded packets."""
