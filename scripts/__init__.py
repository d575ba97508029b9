"""Training, evaluation and data preparation that never run in production."""
