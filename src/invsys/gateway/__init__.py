"""The gateway: one door that knows who may do what, and passes on what they may.

It authenticates callers, looks up what each may do, limits how much, and forwards the rest to the services behind,
which know none of this. It has no database.
"""
