"""The response header ``X-Changes``: how many changes a request made. The gateway counts each one as a write.

A request that makes one change at most is answered without it.
"""

HEADER = "X-Changes"
