"""Recordings: their format, how they are read, and how they are written."""

from livetiming.recording.recorder import TimingRecorder

__all__ = ["TimingRecorder"]
