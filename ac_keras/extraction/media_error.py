"""The error of a media file that cannot be used."""


class MediaError(ValueError):
    """A media file that is missing, broken, or without what is asked of it.

    Its message names the file, says what was expected and what was found, and
    what to do. A run over many files reports it and goes on with the next.
    """
