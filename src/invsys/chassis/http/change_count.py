"""The response header ``X-Changes``: the number of changes that a request made. The gateway counts each as a write.

Responses to requests that make at most one change do not have the header.
"""

HEADER = "X-Changes"
