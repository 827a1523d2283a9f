"""OpenF1's REST API: documents → board → universal state, and what to ask for next. No I/O.

After the API's documentation (https://openf1.org, 2026) and what its maintainers say in its issues: no results are a
404, laps are completed while they are driven, the first lap of a race has no start and no time, mini-sectors are there
only outside races, and without an account nothing is answered while a session is on.
"""
