"""Operations: health checks, readiness, metrics, logs, systemd notification."""
