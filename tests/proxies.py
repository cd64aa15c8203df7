"""The proxy of docs/deployment.md in front of an installation: nginx with just the lines that the document shows."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Self

from tests import servers

FRAME = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  {server}
}}
"""


class Proxy:
    """nginx as the deployment guide says, without TLS, before the application on this port."""

    def __init__(self, application: int) -> None:
        self.port = servers.free_port()
        self._folder = Path(tempfile.mkdtemp(prefix=servers.PREFIX, dir="/tmp"))
        shown = re.search(r"```nginx\n(.*?)```", (servers.ROOT / "docs/deployment.md").read_text("utf-8"), re.DOTALL)
        assert shown, "the deployment guide shows no proxy"
        server = shown[1].replace("listen 443 ssl;", f"listen 127.0.0.1:{self.port};")
        server = server.replace("http://127.0.0.1:8000;", f"http://127.0.0.1:{application};")
        assert str(self.port) in server and f":{application};" in server
        (self._folder / "nginx.conf").write_text(FRAME.format(folder=self._folder, server=server))
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def program() -> str | None:
        return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")

    def __enter__(self) -> Self:
        program = self.program()
        assert program, "nginx is not installed"
        arguments = [program, "-p", str(self._folder), "-c", str(self._folder / "nginx.conf")]
        arguments += ["-e", str(self._folder / "error.log")]
        self._process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
        servers.wait_until(lambda: servers.listens(self.port), what="nginx")
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
