"""Shards as the unit of work of processes and of Ray."""
