"""Inputs of backbones: RGB frames, flow stacks, log-mel patches."""
