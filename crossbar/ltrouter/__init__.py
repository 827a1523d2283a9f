"""Code that runs inside the router's worker: who may join, who may do what, and the router's own pages.

It lives in the router's environment, so it imports the standard library, Twisted and autobahn only.
"""
