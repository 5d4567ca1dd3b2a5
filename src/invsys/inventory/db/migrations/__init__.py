"""The migrations. They are part of the package, so that an installed service can migrate its database."""
