"""Where the next cameras go: what the cameras see, what the city needs, and the plan that covers most of it."""
