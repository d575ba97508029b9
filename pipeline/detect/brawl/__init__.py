"""The temporal model: a burst of pictures in, P(fight) and P(group brawl) out. Places, never identity."""
