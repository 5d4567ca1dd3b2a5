"""HTTP: request bodies, queries and headers; responses and problem documents."""
