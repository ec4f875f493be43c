"""Client of a model server, over gRPC or REST."""
