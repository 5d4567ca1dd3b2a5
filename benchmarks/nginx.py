"""nginx as a plain reverse proxy, which shows the minimal cost of forwarding a request."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import processes

_CONFIGURATION = """
daemon off;
pid {folder}/pid;
worker_processes {workers};
error_log {folder}/error.log;
events {{ }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000000;
    upstream inventory {{
        server 127.0.0.1:{upstream_port};
        keepalive 64;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://inventory;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
        }}
    }}
}}
"""


@contextmanager
def in_front_of(upstream_port: int) -> Iterator[int]:
    """Run nginx in front of ``upstream_port``, with as many workers as the other servers; yield its port."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/bin")
    if program is None:
        raise RuntimeError("nginx is not installed: apt-get install nginx-light")
    port = processes.free_port()
    with tempfile.TemporaryDirectory(prefix="invsys-nginx-") as folder:
        configuration = Path(folder) / "nginx.conf"
        values = {"folder": folder, "workers": processes.WORKERS, "upstream_port": upstream_port, "port": port}
        configuration.write_text(_CONFIGURATION.format(**values))
        with processes.running([program, "-c", str(configuration), "-e", f"{folder}/error.log"], port, {}):
            yield port
