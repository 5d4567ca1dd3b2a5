"""What a WSGI server loads: ``invsys.inventory.wsgi:app``."""

from invsys.inventory.application import create_app

app = create_app()
