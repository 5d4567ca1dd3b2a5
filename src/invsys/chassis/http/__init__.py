"""HTTP: request bodies, query strings and headers; responses and problem documents."""
