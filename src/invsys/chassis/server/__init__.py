"""The production server: granian workers and the supervisor that starts and replaces them."""
