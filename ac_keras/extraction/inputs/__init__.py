"""What backbones receive: frames, flow stacks, log-mel patches."""
