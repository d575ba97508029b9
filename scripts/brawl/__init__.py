"""Training of the temporal model for brawls: features once, then small heads."""
