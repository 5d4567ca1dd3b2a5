"""What the production server loads: the application over the settings in force."""

import gc

from invsys.chassis.config import settings
from invsys.chassis.ops import systemd
from invsys.gateway.application import create_app

app = settings.or_exit(create_app)

# What is there now stays: without this, looking through it again and again stops every thread.
gc.collect()
gc.freeze()

systemd.notify()
