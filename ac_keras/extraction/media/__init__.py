"""Video and audio files, read and written by PyAV."""
