"""Record formats of others."""
