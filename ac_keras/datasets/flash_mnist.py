"""Flash-MNIST: noisy videos in which handwritten digits flash up."""

import numpy as np

from ac_keras.datasets.digits import Digits

NUM_FRAMES = 25
NUM_DIGITS = 10
NUM_CLASSES = 2**NUM_DIGITS
EMPTY = NUM_DIGITS  # the label of a frame without a digit
MAX_PER_DIGIT = 2
_LEVELS = 2**16
_PIXELS_AT_ONCE = 2**17  # a multiple of 4, pixels of a random word
_IMAGES_AT_ONCE = 100


class FlashMnist:
    """Generator of clips and single frames from digits.

    A clip has 25 frames of noise, its pixels drawn from the distribution of
    intensities in `noise_digits`. Its class is one of the 1,024 sets of
    digits. One or two images of each digit of the set are laid over frames
    picked at random, by the maximum of each pixel.

    The paper states that every image's frame is picked at random. Here no two
    images have the same frame, as in the authors' released code. With
    replacement two images have the same frame in about six clips of ten.

    Args:
        digits: The images to flash.
        noise_digits: The images whose intensities the noise has, always those
            of the training split.
        with_replacement: Whether two images may fall on the same frame.

    References:
        Long et al., Attention Clusters, section 4.1, supplement 1.1 and 1.2.
    """

    def __init__(
        self,
        digits: Digits,
        noise_digits: Digits,
        with_replacement: bool = False,
    ):
        order = np.argsort(digits.labels, kind="stable")
        self.images = digits.images[order]
        self.labels = digits.labels[order]
        self.counts = np.bincount(self.labels, minlength=NUM_DIGITS)
        if not self.counts.all():
            raise ValueError(
                "FlashMnist expects images of all ten digits. Received: "
                f"counts={self.counts.tolist()}."
            )
        self.starts = np.cumsum(self.counts) - self.counts
        self.with_replacement = with_replacement
        self.intensities = _intensity_table(noise_digits.images)

    def clips(self, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Makes a clip for each label.

        Args:
            labels: Integers `(batch,)` below 1,024; bit d is set if digit d
                flashes.
            rng: Source of all randomness.

        Returns:
            uint8 `(batch, 25, 28, 28)`.
        """
        return self.clips_with_digits(labels, rng)[0]

    def clips_with_digits(
        self, labels: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Makes the clips of `clips`, from the same draws, and their digits.

        Returns:
            A pair: the clips, uint8 `(batch, 25, 28, 28)`, and bool `(batch,
            25, 10)`, True if an image of the digit lies on the frame. With
            replacement a frame may have several digits, which may cover each
            other.
        """
        batch = len(labels)
        frames = self.noise(batch * NUM_FRAMES, rng)
        member = present_digits(labels).astype(np.int64)
        repeats = member * rng.integers(1, MAX_PER_DIGIT + 1, member.shape)
        clip = np.repeat(np.arange(batch), repeats.sum(axis=1))
        digit = np.repeat(
            np.tile(np.arange(NUM_DIGITS), batch), repeats.ravel()
        )
        frame = clip * NUM_FRAMES + self._positions(repeats, clip, rng)
        picked = rng.random(len(digit)) * self.counts[digit]
        image = self.images[self.starts[digit] + picked.astype(np.int64)]
        if self.with_replacement:
            np.maximum.at(frames, frame, image)
        else:
            frames[frame] = np.maximum(frames[frame], image)
        digits = np.zeros((len(frames), NUM_DIGITS), bool)
        digits[frame, digit] = True
        shape = batch, NUM_FRAMES
        return (
            frames.reshape(*shape, *image.shape[1:]),
            digits.reshape(*shape, NUM_DIGITS),
        )

    def frames(
        self, per_image: int, num_empty: int, rng: np.random.Generator
    ) -> Digits:
        """Makes single frames to pretrain the CNN on, in random order.

        Args:
            per_image: Number of noise backgrounds for each digit image.
            num_empty: Number of frames without a digit.
            rng: Source of all randomness.

        Returns:
            Frames with their labels, 10 for a frame without a digit.
        """
        num_digits = per_image * len(self.images)
        frames = self.noise(num_digits + num_empty, rng)
        over = frames[:num_digits].reshape(per_image, *self.images.shape)
        np.maximum(over, self.images, out=over)
        labels = np.full(len(frames), EMPTY, np.uint8)
        labels[:num_digits] = np.tile(self.labels, per_image)
        order = rng.permutation(len(frames))
        return Digits(frames[order], labels[order])

    def noise(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draws frames of noise, uint8 `(count, 28, 28)`."""
        pixels = np.empty((count, *self.images.shape[1:]), np.uint8)
        flat = pixels.reshape(-1)
        for first in range(0, flat.size, _PIXELS_AT_ONCE):
            part = flat[first : first + _PIXELS_AT_ONCE]
            words = rng.integers(0, 2**64, -(-part.size // 4), dtype=np.uint64)
            # Brackets would take twice as long.
            part[:] = self.intensities.take(words.view(np.uint16)[: part.size])
        return pixels

    def _positions(self, repeats, clip, rng):
        """Picks the frame of every image within its clip."""
        if self.with_replacement:
            return rng.integers(0, NUM_FRAMES, len(clip))
        order = np.argsort(rng.random((len(repeats), NUM_FRAMES)), axis=1)
        totals = repeats.sum(axis=1)
        slot = np.arange(len(clip)) - np.repeat(
            np.cumsum(totals) - totals, totals
        )
        return order[clip, slot]


def present_digits(labels: np.ndarray) -> np.ndarray:
    """Reads classes `(batch,)` as sets of digits, bool `(batch, 10)`.

    Digit d is in the set if bit d of the class is set.
    """
    labels = np.asarray(labels)[:, None]
    return (labels >> np.arange(NUM_DIGITS) & 1).astype(bool)


def class_names() -> list[str]:
    """Names the 1,024 classes by their digits, such as `{0,3,7}`."""
    return [
        "{" + ",".join(str(d) for d in range(NUM_DIGITS) if i >> d & 1) + "}"
        for i in range(NUM_CLASSES)
    ]


def count_intensities(images: np.ndarray) -> np.ndarray:
    """Counts the pixels of each intensity in uint8 images, int64 `(256,)`."""
    # Counting converts pixels to int64: few images at a time fit a cache.
    return sum(
        np.bincount(images[first : first + _IMAGES_AT_ONCE].ravel(), None, 256)
        for first in range(0, len(images), _IMAGES_AT_ONCE)
    )


def _intensity_table(images: np.ndarray) -> np.ndarray:
    """Makes a table from uniform uint16 to intensities, exact to one entry."""
    counts = count_intensities(images)
    ends = np.rint(np.cumsum(counts) * (_LEVELS / counts.sum()))
    shares = np.diff(ends.astype(np.int64), prepend=0)
    return np.repeat(np.arange(256, dtype=np.uint8), shares)
