"""The analysis of a race: laps, stints, drivers, messages, flags (docs/analysis.md).

Pure: `advance(analysis, columns, state, now)` gives the next analysis. A live service calls it with each frame, and a
recording's analysis is made by the same function.
"""

from livetiming.analysis.cells import Columns
from livetiming.analysis.model import Analysis
from livetiming.analysis.step import advance
from livetiming.analysis.storage import MalformedAnalysis, dump, load
from livetiming.analysis.topics import changed, documents, full, topics

__all__ = [
    "Analysis",
    "Columns",
    "MalformedAnalysis",
    "advance",
    "changed",
    "documents",
    "dump",
    "full",
    "load",
    "topics",
]
