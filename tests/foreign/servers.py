"""HTTP servers of others, each started privately on free ports of this machine: what they are told to do,
and what they speak. A server whose program is not here says so."""
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))


class Missing(Exception):
    """The server's program is not on this machine."""


class Place:
    """Where a server lives: files to serve, a certificate for localhost, a folder and ports of its own."""

    def __init__(self, folder, files, certificate, key):
        self.folder, self.files, self.certificate, self.key = folder, files, certificate, key

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    @property
    def pem(self):
        """Certificate and key in one file."""
        text = ""
        for name in (self.certificate, self.key):
            with open(name, encoding="utf-8") as file:
                text += file.read()
        return self.write("both.pem", text)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def program(*names):
    for name in names:
        found = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")
        if found:
            return found
    raise Missing(f"no {names[0]}")


@contextlib.contextmanager
def running(place, port, *command, cwd=None):
    """Until the port answers; stopped by its process at the end, with what it has started."""
    with open(os.path.join(place.folder, "log"), "w+", encoding="utf-8") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   cwd=cwd or place.folder, start_new_session=True)
        try:
            limit = time.monotonic() + 120  # some compile themselves first
            while True:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                if process.poll() is not None or time.monotonic() > limit:
                    log.seek(0)
                    raise RuntimeError(f"{command[0]} did not start: {log.read()[-2000:]}")
                time.sleep(0.02)
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 15)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()


# Each yields {"http/1.1": base URL, "https/1.1": ..., "https/2": ..., "http/2": ...} of what it speaks.

@contextlib.contextmanager
def apache(place):
    plain, tls = free_port(), free_port()
    modules = "/usr/lib/apache2/modules"
    if not os.path.exists(f"{modules}/mod_http2.so"):
        raise Missing("no apache2")
    config = place.write("httpd.conf", "".join(
        f"LoadModule {name}_module {modules}/mod_{name}.so\n"
        for name in ("mpm_event", "authz_core", "dir", "mime", "ssl", "socache_shmcb", "http2", "filter", "deflate"))
        + f"""
ServerName localhost
ServerRoot {place.folder}
PidFile {place.folder}/pid
ErrorLog {place.folder}/error.log
TypesConfig /etc/mime.types
DocumentRoot {place.files}
Protocols h2 h2c http/1.1
AddOutputFilterByType DEFLATE text/plain
Listen 127.0.0.1:{plain}
Listen 127.0.0.1:{tls} https
<VirtualHost *:{tls}>
  SSLEngine on
  SSLCertificateFile {place.certificate}
  SSLCertificateKeyFile {place.key}
</VirtualHost>
""")
    with running(place, tls, program("apache2"), "-f", config, "-DFOREGROUND"):
        yield {"http/1.1": f"http://127.0.0.1:{plain}", "https/1.1": f"https://localhost:{tls}",
               "https/2": f"https://localhost:{tls}", "http/2": f"http://127.0.0.1:{plain}"}


@contextlib.contextmanager
def lighttpd(place):
    plain, tls = free_port(), free_port()
    config = place.write("lighttpd.conf", f"""
server.modules = ("mod_openssl", "mod_deflate")
server.document-root = "{place.files}"
server.bind = "127.0.0.1"
server.port = {plain}
mimetype.assign = (".txt" => "text/plain", "" => "application/octet-stream")
deflate.mimetypes = ("text/plain")
deflate.allowed-encodings = ("gzip", "deflate")
$SERVER["socket"] == "127.0.0.1:{tls}" {{
  ssl.engine = "enable"
  ssl.pemfile = "{place.certificate}"
  ssl.privkey = "{place.key}"
}}
""")
    with running(place, tls, program("lighttpd"), "-D", "-f", config):
        yield {"http/1.1": f"http://127.0.0.1:{plain}", "https/1.1": f"https://localhost:{tls}",
               "https/2": f"https://localhost:{tls}", "http/2": f"http://127.0.0.1:{plain}"}


@contextlib.contextmanager
def haproxy(place):
    """In front of lighttpd."""
    plain, tls, behind = free_port(), free_port(), free_port()
    config = place.write("haproxy.cfg", f"""
defaults
  mode http
  timeout connect 10s
  timeout client 60s
  timeout server 60s
frontend plain
  bind 127.0.0.1:{plain}
  bind 127.0.0.1:{tls} ssl crt {place.pem} alpn h2,http/1.1
  default_backend files
backend files
  server one 127.0.0.1:{behind}
""")
    files = place.write("behind.conf", f"""
server.document-root = "{place.files}"
server.bind = "127.0.0.1"
server.port = {behind}
""")
    with running(place, behind, program("lighttpd"), "-D", "-f", files):
        with running(place, tls, program("haproxy"), "-db", "-f", config):
            yield {"http/1.1": f"http://127.0.0.1:{plain}", "https/1.1": f"https://localhost:{tls}",
                   "https/2": f"https://localhost:{tls}", "http/2": f"http://127.0.0.1:{plain}"}


@contextlib.contextmanager
def nghttpd(place):
    plain, tls = free_port(), free_port()
    with running(place, plain, program("nghttpd"), "-a", "127.0.0.1", "--no-tls", "-d", place.files, str(plain)):
        with running(place, tls, program("nghttpd"), "-a", "127.0.0.1", "-d", place.files, str(tls),
                     place.key, place.certificate):
            yield {"https/2": f"https://localhost:{tls}", "http/2": f"http://127.0.0.1:{plain}"}


@contextlib.contextmanager
def caddy(place):
    plain, tls = free_port(), free_port()
    config = place.write("Caddyfile", f"""
{{
  admin off
  auto_https off
  servers {{
    protocols h1 h2 h2c
  }}
}}
http://127.0.0.1:{plain} {{
  root * {place.files}
  encode zstd gzip
  file_server
}}
https://localhost:{tls} {{
  bind 127.0.0.1
  tls {place.certificate} {place.key}
  root * {place.files}
  encode zstd gzip
  file_server
}}
""")
    with running(place, tls, "env", f"HOME={place.folder}", program("caddy"), "run", "--adapter", "caddyfile",
                 "--config", config):
        yield {"http/1.1": f"http://127.0.0.1:{plain}", "https/1.1": f"https://localhost:{tls}",
               "https/2": f"https://localhost:{tls}", "http/2": f"http://127.0.0.1:{plain}"}


@contextlib.contextmanager
def node(place):
    plain, tls = free_port(), free_port()
    with running(place, tls, program("node"), os.path.join(HERE, "server.js"), str(plain), str(tls), place.files,
                 place.certificate, place.key):
        yield {"http/1.1": f"http://127.0.0.1:{plain}", "https/1.1": f"https://localhost:{tls}",
               "https/2": f"https://localhost:{tls}", "echo": "/echo"}


@contextlib.contextmanager
def go(place):
    plain, tls = free_port(), free_port()
    with running(place, tls, program("go"), "run", os.path.join(HERE, "server.go"), str(plain), str(tls), place.files,
                 place.certificate, place.key):
        yield {"http/1.1": f"http://127.0.0.1:{plain}", "https/1.1": f"https://localhost:{tls}",
               "https/2": f"https://localhost:{tls}", "echo": "/echo"}


@contextlib.contextmanager
def python(place):
    """http.server: HTTP/1.0, a connection for each request."""
    plain = free_port()
    with running(place, plain, sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory",
                 place.files, str(plain)):
        yield {"http/1.1": f"http://127.0.0.1:{plain}"}


@contextlib.contextmanager
def aiohttp(place):
    plain, tls = free_port(), free_port()
    if subprocess.run([sys.executable, "-c", "import aiohttp"], capture_output=True, check=False).returncode:
        raise Missing("no aiohttp")
    with running(place, tls, sys.executable, os.path.join(HERE, "server.py"), str(plain), str(tls), place.files,
                 place.certificate, place.key):
        yield {"http/1.1": f"http://127.0.0.1:{plain}", "https/1.1": f"https://localhost:{tls}", "echo": "/echo"}


ALL = [apache, lighttpd, haproxy, nghttpd, caddy, node, go, python, aiohttp]
