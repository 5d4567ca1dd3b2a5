"""Standard formats: the allocations of a vehicle as iCalendar, the availability of a collection as GBFS.

``docs/source/formats.rst`` describes how fields are mapped.
"""
