"""The error of a media file that cannot be used."""


class MediaError(ValueError):
    """A media file that cannot be used."""
