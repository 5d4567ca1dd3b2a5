"""The Django settings of ``drf``, with nothing that slows it down: no middleware, no authentication, only JSON."""

import os

from sqlalchemy import make_url

_URL = make_url(os.environ["INVSYS_DATABASE_URL"])

ALLOWED_HOSTS = ["*"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _URL.database,
        "USER": _URL.username,
        "HOST": _URL.query["host"],
        # Each thread keeps its connection, as the pools of the other systems do.
        "CONN_MAX_AGE": None,
    }
}
INSTALLED_APPS = ["rest_framework"]
MIDDLEWARE: list[str] = []
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
}
ROOT_URLCONF = "benchmarks.peers.drf"
USE_TZ = True
