"""Backbones: networks from frames and audio to local features."""
