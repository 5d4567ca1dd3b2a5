"""The production server: granian workers under a supervisor."""
