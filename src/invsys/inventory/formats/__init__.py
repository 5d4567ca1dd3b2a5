"""The formats of the field: a vehicle's allocations as iCalendar, a collection's availability as GBFS.

Each has the media type of its format, whatever Accept says. ``docs/source/formats.rst`` tells what stands for what.
"""
