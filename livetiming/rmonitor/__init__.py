"""The RMonitor timing protocol: bytes → lines → records → scoreboard → universal state. No I/O.

After "RMonitor Timing Protocol" v1.0 (Track Timing, 2010), "IMSA Enhanced RMon Timing Protocol" v1.03 (2015), and
what public captures show beside them.
"""
