"""Street scenes drawn by rule: still background with computed light, moving traffic, people, rain, fire and smoke."""
