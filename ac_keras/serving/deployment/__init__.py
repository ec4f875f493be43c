"""Files that start a server of a model."""
