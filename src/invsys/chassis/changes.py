"""How many changes a request made, as the service tells the gateway (``X-Changes``), which counts each as a write.

Absent where a request makes one change at most.
"""

HEADER = "X-Changes"
