"""The WSGI application of the inventory with the patch that the environment variable ``PROOF_PATCH`` names."""

import os

from proof.mutants import patches

getattr(patches, os.environ["PROOF_PATCH"])()

from invsys.inventory.wsgi import app  # noqa: E402, F401 - the patch comes first
