"""Published result files, played as if the race were live (docs/chrono.md).

`formats` turn files into a `Chrono`; `timeline` makes events of it; `race` lets them happen; `board` shows the race as
rows and session; `states` makes states of that, second by second.
"""
