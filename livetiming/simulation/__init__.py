"""A race of our own, deterministic from its seed, and the servers that send it, or a capture, as a feed."""
