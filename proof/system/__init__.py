"""The system under test: database, services, gateway, and what stands between them."""
