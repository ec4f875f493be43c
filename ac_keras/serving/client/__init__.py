"""Asking a model server, over gRPC or REST."""
