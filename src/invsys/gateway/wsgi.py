"""WSGI entry point of the production server: the application with the configured settings."""

import gc

from invsys.chassis.config import settings
from invsys.chassis.ops import systemd
from invsys.gateway.application import create_app

app = settings.build_or_exit(create_app)

# Exclude the existing objects from garbage collection: scanning them again and again would pause every thread.
gc.collect()
gc.freeze()

systemd.notify()
