"""Networks that turn frames and sound into features."""
