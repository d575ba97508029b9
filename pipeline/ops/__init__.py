"""Settings, logs, metrics, health and the one-machine supervisor."""
