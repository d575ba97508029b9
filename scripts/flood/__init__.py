"""Training of the flood model: data, augmentation, network, loop, export."""
