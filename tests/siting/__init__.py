"""Where the next cameras go."""
