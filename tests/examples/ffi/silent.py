#!/usr/bin/env python3
"""Runs a command with SILENT_URL in its environment: a server that takes requests and never answers.
usage: silent.py command..."""
import os
import socketserver
import subprocess
import sys
import threading


class Silent(socketserver.BaseRequestHandler):
    def handle(self):
        while self.request.recv(4096):
            pass


class Server(socketserver.ThreadingTCPServer):
    daemon_threads, request_queue_size, allow_reuse_address = True, 512, True

    def handle_error(self, *_):  # peers may reset: that is how they cancel
        pass


with Server(("127.0.0.1", 0), Silent) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ["SILENT_URL"] = "http://127.0.0.1:%d/" % server.server_address[1]
    code = subprocess.run(sys.argv[1:]).returncode
    server.shutdown()
sys.exit(code)
