"""Images that a dataset may keep of some of its clips."""

import os
import pathlib

import numpy as np

FILE_NAME = "previews.npz"


class Previews:
    """Images of clips by the clips' ids.

    Args:
        path: The file, with `ids` and under a modality's name uint8
            `(num_clips, num_frames, height, width)`, black after a clip's
            end. If the file does not exist, there are no images.
    """

    def __init__(self, path: str | os.PathLike):
        path = pathlib.Path(path)
        self.ids: list[str] = []
        self.images: dict[str, np.ndarray] = {}
        if path.is_file():
            with np.load(path) as arrays:
                self.ids = arrays["ids"].tolist()
                self.images = {
                    name: arrays[name]
                    for name in arrays.files
                    if name != "ids" and arrays[name].ndim == 4
                }
        self._rows = {name: row for row, name in enumerate(self.ids)}

    def of_clip(self, clip_id: str, modality: str, num_frames: int):
        """Returns the images of all frames of a clip.

        Args:
            clip_id: The clip.
            modality: The modality of the frames.
            num_frames: Number of frames of the clip.

        Returns:
            uint8 `(num_frames, height, width)`, or None if the file holds no
            images of the clip or those of another number of frames, as for a
            sample of the frames.
        """
        row = self._rows.get(clip_id)
        if row is None or modality not in self.images:
            return None
        images = self.images[modality][row]
        if len(images) < num_frames or images[num_frames:].any():
            return None
        return images[:num_frames]
