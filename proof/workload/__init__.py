"""The load: processes that send random requests and record them."""
