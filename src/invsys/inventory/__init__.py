"""The inventory service: vehicles, and the periods for which they are allocated.

A request passes from the route table (``api.ROUTES``) through a schema (``schemas``) to a command (``commands``) or a
query (``queries``), which use the database (``db``). A schema then serialises the result. Each layer imports
only from the layers below it. Failures are exceptions, which ``chassis.http.problems`` turns into responses.
"""
