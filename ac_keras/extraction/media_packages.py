"""Packages that only those need who read media files."""

from types import ModuleType


def import_av() -> ModuleType:
    """Imports PyAV.

    Raises:
        ImportError: If it is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise ImportError(
            "Expected PyAV, which reads and writes media files. Received: no "
            'package av. Give pip install "ac-keras[media]".'
        ) from error
    return av


def import_cv2() -> ModuleType:
    """Imports OpenCV.

    Raises:
        ImportError: If it is not installed.
    """
    try:
        import cv2
    except ImportError as error:
        raise ImportError(
            "Expected OpenCV, which computes optical flow. Received: no "
            'package cv2. Give pip install "ac-keras[media]".'
        ) from error
    return cv2
