"""The gateway: authenticates and authorises callers, limits their rate and forwards their requests to the services.

The services behind it do none of this. The gateway has no database.
"""
