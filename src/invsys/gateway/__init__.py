"""The place of the gateway: authenticate, authorise, limit, forward. Nothing stands here yet."""
