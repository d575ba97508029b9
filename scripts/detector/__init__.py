"""The fire, smoke and person detector: data preparation, training, evaluation and export."""
