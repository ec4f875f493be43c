"""Extraction engines: local processes and Ray, with shards as tasks."""
