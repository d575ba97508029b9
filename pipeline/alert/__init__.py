"""Incidents in, deliveries out: routing, an outbox written with the incident, channels, one worker."""
