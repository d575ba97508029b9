"""The bench: what Siaga costs, side by side with what one would write without it, as ratios of CPU time."""
