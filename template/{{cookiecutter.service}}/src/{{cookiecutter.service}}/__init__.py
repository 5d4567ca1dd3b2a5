"""The depot service: a register of pallets.

A request passes from the route table (``api.ROUTES``) through a schema (``schemas``) to a command or a query
(``pallets``), which uses the database (``db``). A schema then serialises the result. Each layer imports
only from the layers below it. Failures are exceptions, which ``chassis.http.problems`` turns into responses.
``chassis`` is the code that all services share.
"""

__version__ = "0.1.0"
