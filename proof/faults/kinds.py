"""All kinds of faults."""

from proof.faults import clock, cluster, connections, gateway, maintenance, postgresql, services, storage
from proof.faults.fault import Kind, kinds_in

KINDS: list[Kind] = [
    kind
    for module in (services, gateway, connections, postgresql, cluster, storage, clock, maintenance)
    for kind in kinds_in(module)
]
