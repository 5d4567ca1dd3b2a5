"""The WSGI application of the gateway with the patch that the environment variable ``PROOF_GATEWAY_PATCH`` names."""

import os

from proof.mutants import patches

getattr(patches, os.environ["PROOF_GATEWAY_PATCH"])()

from invsys.gateway.wsgi import app  # noqa: E402, F401 - the patch comes first
