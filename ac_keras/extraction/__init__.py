"""From media files to local features (section 5.2 of the paper)."""

from ac_keras.extraction.backbones.inflation import inflate_input
from ac_keras.extraction.backbones.loading import load_backbone
from ac_keras.extraction.backbones.vgg_audio import vgg_audio
from ac_keras.extraction.inputs.clip_inputs import ClipInputs
from ac_keras.extraction.inputs.clip_inputs import read_inputs
from ac_keras.extraction.inputs.log_mel import log_mel_patches
from ac_keras.extraction.inputs.optical_flow import decode_flow
from ac_keras.extraction.inputs.optical_flow import encode_flow
from ac_keras.extraction.inputs.optical_flow import flow_stacks
from ac_keras.extraction.media.audio import read_audio
from ac_keras.extraction.media.container import MediaError
from ac_keras.extraction.media.frame_times import EqualIntervals
from ac_keras.extraction.media.frame_times import FrameRate
from ac_keras.extraction.media.frame_view import FrameView
from ac_keras.extraction.media.video import probe
from ac_keras.extraction.media.video import read_frames
from ac_keras.extraction.plan import AudioPlan
from ac_keras.extraction.plan import ExtractionPlan
from ac_keras.extraction.plan import FlowPlan
from ac_keras.extraction.plan import RgbPlan
from ac_keras.extraction.plan import WaveformPlan

__all__ = [
    "AudioPlan",
    "ClipInputs",
    "EqualIntervals",
    "ExtractionPlan",
    "FlowPlan",
    "FrameRate",
    "FrameView",
    "MediaError",
    "RgbPlan",
    "WaveformPlan",
    "decode_flow",
    "encode_flow",
    "flow_stacks",
    "inflate_input",
    "load_backbone",
    "log_mel_patches",
    "probe",
    "read_frames",
    "read_inputs",
    "read_audio",
    "vgg_audio",
]
