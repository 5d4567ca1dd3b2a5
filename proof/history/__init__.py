"""The history: what the callers sent and received, in files."""
