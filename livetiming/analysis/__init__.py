"""What becomes of a race, from its states alone: laps, stints, drivers, flags, messages (docs/analysis.md).

`advance(analysis, columns, state, now)` takes one state in; the rest shows what is known. The same functions serve a
live service and a recording. Nothing here does I/O or knows the time.
"""

from livetiming.analysis.columns import Columns
from livetiming.analysis.documents import changed, documents, full, topics
from livetiming.analysis.keeping import MalformedAnalysis, dump, load
from livetiming.analysis.race import Analysis, advance

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
