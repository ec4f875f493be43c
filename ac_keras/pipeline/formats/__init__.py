"""Record formats, by their name in a manifest."""

from ac_keras.pipeline.formats.mediasequence import MediaSequence
from ac_keras.pipeline.formats.record_format import ClipExamples
from ac_keras.pipeline.formats.youtube8m import YouTube8MSegments
from ac_keras.pipeline.formats.youtube8m import YouTube8MVideos

RECORD_FORMATS = {
    "clip": ClipExamples,
    "youtube8m": YouTube8MVideos,
    "youtube8m_segments": YouTube8MSegments,
    "mediasequence": MediaSequence,
}
