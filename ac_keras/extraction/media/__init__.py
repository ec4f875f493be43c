"""Video and audio files, read and written through PyAV."""
