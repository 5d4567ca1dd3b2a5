"""The WSGI application that the production server loads, built from the current settings."""

import gc

from invsys.chassis.config import settings
from invsys.chassis.ops import systemd
from invsys.inventory.application import create_app

app = settings.build_or_exit(create_app)

# Exclude everything loaded so far from garbage collection: each full collection would otherwise scan it and stop all
# threads for 60 ms.
gc.collect()
gc.freeze()

systemd.notify()
