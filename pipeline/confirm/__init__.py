"""Observations in, incidents out: pure rules with an injected clock, one state machine, one worker."""
