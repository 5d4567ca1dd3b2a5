"""Authentication and authorisation: API keys, JSON Web Tokens, clients, scopes, permissions."""
