"""What a whole program does: threads, its end, the layouts of structures, the library that it loads."""
import ast
import asyncio
import os
import re
import subprocess
import sys
import tempfile
import threading
import unittest
from ctypes import Structure, byref, sizeof

import creche_ctypes as c
from cases import HTTP
from creche_asyncio import Loop
from creche_ctypes import lib


class Program(unittest.TestCase):
    def test_threads_each_with_a_loop_of_their_own(self):
        results = []

        async def program():
            async with Loop() as loop:
                results.append((await loop.fetch(loop.session(), HTTP + "/small")).status)
        threads = [threading.Thread(target=asyncio.run, args=(program(),)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(results, [200] * 4)

    def test_exit_with_everything_open(self):
        """An interpreter that ends without closing anything ends all the same."""
        here = os.path.dirname(os.path.abspath(__file__))
        program = ("from creche_ctypes import *; h = c_uint64(); s = c_uint64();"
                   "check(lib.creche_loop_open(None, byref(h)));"
                   "check(lib.creche_session_open(h, None, byref(s)));"
                   "check(lib.creche_sleep(h, NEVER, None, None, None, None)); print(lib.creche_version())")
        done = subprocess.run([sys.executable, "-c", program], cwd=here, capture_output=True, text=True,
                              timeout=60)
        self.assertEqual((done.returncode, done.stdout), (0, f"{lib.creche_version()}\n"), done.stderr)

    @unittest.skipUnless("CRECHE_PREFIX" in os.environ, "needs the headers of an installed library")
    def test_exit_while_callbacks_come(self):
        """At its exit CPython (up to 3.13) stops each thread that comes back to it: that is no crash."""
        program = (
            "import time\nimport creche_ctypes as c\nfrom ctypes import byref, c_int64, c_uint64\n"
            "loop = c_uint64()\nc.check(c.lib.creche_loop_open(None, byref(loop)))\n"
            "@c.Done\ndef ended(user, completion):\n"
            "    c.lib.creche_sleep(loop, c_int64(100000), None, ended, None, None)\n"
            "for _ in range(10): ended(None, None)\ntime.sleep(0.05)\n")
        for _ in range(3):
            run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60,
                                 cwd=os.path.dirname(os.path.abspath(__file__)))
            self.assertEqual((run.returncode, run.stderr), (0, ""))

    def test_structures_are_those_of_the_headers(self):
        """What creche_ctypes declares by hand, against what a C compiler sees."""
        expected, lines = [], []
        for name, struct in sorted(vars(c).items()):
            if not (isinstance(struct, type) and issubclass(struct, Structure)) or struct is Structure:
                continue
            c_name = "creche_" + re.sub("(?<!^)(?=[A-Z])", "_", name).lower()
            fields = [field for field, *_ in struct._fields_]
            expected.append((c_name, sizeof(struct), [getattr(struct, f).offset for f in fields]))
            offsets = ", ".join(f"offsetof({c_name}, {field})" for field in fields)
            lines.append(f'    SHOW({c_name}, {offsets});')
        source = (
            "#include <creche/creche.h>\n#include <stdio.h>\n"
            "#define SHOW(type, ...) do { size_t i, at[] = {__VA_ARGS__}; "
            'printf("(\\"" #type "\\", %zu, [", sizeof(type)); '
            'for (i = 0; i < sizeof at / sizeof *at; i++) printf("%zu,", at[i]); puts("])"); } while (0)\n'
            "int main(void) {\n" + "\n".join(lines) + "\n    return 0;\n}\n")
        with tempfile.TemporaryDirectory() as folder:
            program = os.path.join(folder, "layouts")
            subprocess.run(["cc", "-I", os.environ["CRECHE_PREFIX"] + "/include", "-x", "c", "-", "-o", program],
                           input=source, text=True, check=True, timeout=60)
            seen = subprocess.run([program], capture_output=True, text=True, check=True, timeout=60).stdout
        self.assertEqual([ast.literal_eval(line) for line in seen.splitlines()], expected)

    @unittest.skipUnless("CRECHE_PREFIX" in os.environ, "not run on an installed library")
    def test_the_installed_library_is_used(self):
        with open("/proc/self/maps", encoding="utf-8") as maps:
            loaded = {line.split()[-1] for line in maps if "libcreche" in line}
        self.assertEqual(len(loaded), 1)
        self.assertTrue(loaded.pop().startswith(os.path.realpath(os.environ["CRECHE_PREFIX"])))
        self.assertEqual(lib.creche_version_string().decode(), "%d.%d.%d" % (
            lib.creche_version() // 10**6, lib.creche_version() // 1000 % 1000, lib.creche_version() % 1000))
