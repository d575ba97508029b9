"""The Common Alerting Protocol 1.2 (OASIS): documents, their terms and their areas."""
