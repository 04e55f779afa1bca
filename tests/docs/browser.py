#!/usr/bin/env python3
"""Looks at the site in Chromium, by its driver: no message of the console, nothing wider than a phone, a search
that finds. usage: browser.py FOLDER-OF-THE-SITE [FOLDER-FOR-PICTURES]"""
import base64
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request

PHONE, DESK = (360, 740), (1280, 900)
passed, failed = 0, 0


def expect(good, complaint):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print(complaint)


class Browser:
    """A session of chromedriver (the WebDriver protocol)."""

    def __init__(self, width, height, dark=False):
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in self.driver.stdout:
            if "started successfully on port" in line:
                self.base = "http://127.0.0.1:" + line.rstrip().rstrip(".").split()[-1]
                break
        arguments = ["--headless=new", "--disable-gpu", "--hide-scrollbars", f"--window-size={width},{height}"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            arguments.append("--no-sandbox")  # which Chromium has not for root
        options = {"args": arguments, "binary": shutil.which("chromium"),
                   "mobileEmulation": {"deviceMetrics": {"width": width, "height": height, "pixelRatio": 2.0}}}
        if width > 600:
            del options["mobileEmulation"]
        self.base += "/session/" + self.ask("POST", "", {"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}}, root=True)["sessionId"]
        if dark:
            self.ask("POST", "/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": {
                "features": [{"name": "prefers-color-scheme", "value": "dark"}]}})

    def ask(self, method, path, body=None, root=False):
        address = self.base + ("/session" if root else path)
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(address, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(error.read().decode()[:500]) from error

    def open(self, address):
        self.ask("POST", "/url", {"url": address})

    def run(self, script):
        return self.ask("POST", "/execute/sync", {"script": script, "args": []})

    def until(self, script, seconds=20):
        """What a script says, as soon as that is something."""
        end = time.monotonic() + seconds
        while (found := self.run(script)) is None and time.monotonic() < end:
            time.sleep(0.05)
        return found

    def type(self, keys):
        element = next(iter(self.ask("POST", "/element", {"using": "css selector", "value": "#search"}).values()))
        self.ask("POST", f"/element/{element}/value", {"text": keys})

    def messages(self):
        return [f"{m['level']}: {m['message']}" for m in self.ask("POST", "/se/log", {"type": "browser"})]

    def picture(self, file):
        with open(file, "wb") as out:
            out.write(base64.b64decode(self.ask("GET", "/screenshot")))

    def whole_picture(self, file, tallest=4000):
        size = self.run("return [innerWidth, document.documentElement.scrollHeight]")
        taken = self.ask("POST", "/goog/cdp/execute", {"cmd": "Page.captureScreenshot", "params": {
            "captureBeyondViewport": True, "clip": {"x": 0, "y": 0, "width": size[0], "height": min(size[1], tallest), "scale": 1}}})
        with open(file, "wb") as out:
            out.write(base64.b64decode(taken["data"]))

    def close(self):
        try:
            self.ask("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait()


TOO_WIDE = """
const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
if (wide <= 0) return null;
const who = [...document.querySelectorAll("main *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
  .filter(e => !e.closest("pre, .wide, svg")).slice(0, 3).map(e => e.tagName + "." + e.className + " " + e.textContent.slice(0, 40));
return wide + " px: " + who.join("; ");"""


def on_a_phone(folder, pages, pictures):
    browser = Browser(*PHONE)
    try:
        for page in pages:
            browser.open(f"file://{folder}/{page}")
            wide = browser.run(TOO_WIDE)
            expect(wide is None, f"{page} is wider than a phone by {wide}")
            small = browser.run("return parseFloat(getComputedStyle(document.querySelector('main p')).fontSize)")
            expect(small >= 15, f"{page}: text of {small} px")
            if pictures and not page.startswith("api-"):
                browser.whole_picture(os.path.join(pictures, page[:-5] + "-phone.png"))
        complaints = browser.messages()
        expect(not complaints, "\n".join(complaints[:10]))
    finally:
        browser.close()


def at_a_desk(folder, pages, pictures, dark):
    browser = Browser(*DESK, dark=dark)
    try:
        for page in pages:
            browser.open(f"file://{folder}/{page}")
            wide = browser.run(TOO_WIDE)
            expect(wide is None, f"{page} is wider than its window by {wide}")
            if pictures:
                browser.whole_picture(os.path.join(pictures, page[:-5] + ("-dark.png" if dark else "-wide.png")))
        browser.open(f"file://{folder}/index.html")
        for word, wanted in (("creche_group_open", "creche_group_open"), ("group open", "creche_group_open"),
                             ("session_fetch", "creche_session_fetch"), ("virtual clock", "Testing with the virtual clock")):
            browser.run("document.getElementById('search').value = ''")
            browser.type(word)
            first = browser.until("return document.querySelector('#results [role=option] a')?.firstChild.textContent ?? null")
            expect(first == wanted, f"the search for {word} finds {first} first")
        if pictures:
            browser.picture(os.path.join(pictures, f"search-{'dark' if dark else 'wide'}.png"))
        browser.run("document.getElementById('search').value = ''")
        browser.type("creche_group_open\ue007")  # and Enter
        address = browser.until("return location.hash ? location.href : null") or "nowhere"
        expect(address.endswith("api-group.html#creche_group_open"), f"Enter leads to {address}")
        shown = browser.until("const r = document.getElementById('creche_group_open')?.getBoundingClientRect();"
                              "return r && r.top >= 0 && r.top < innerHeight ? true : null")
        expect(shown, "the function that was looked for is not in sight")
        browser.type("zzzz")
        nothing = browser.until("return document.querySelector('#results .nothing') ? true : null")
        expect(nothing, "a search for nothing says nothing")
        complaints = browser.messages()
        expect(not complaints, "\n".join(complaints[:10]))
    finally:
        browser.close()


def main():
    if not shutil.which("chromedriver") or not shutil.which("chromium"):
        print("skipped: no chromium and chromedriver")
        return 77
    folder = os.path.realpath(sys.argv[1])
    pictures = sys.argv[2] if len(sys.argv) > 2 else None
    if pictures:
        os.makedirs(pictures, exist_ok=True)
    pages = sorted(name for name in os.listdir(folder) if name.endswith(".html"))
    on_a_phone(folder, pages, pictures)
    guide = [p for p in pages if not p.startswith("api")] + ["api.html", "api-group.html", "api-http.html"]
    at_a_desk(folder, guide, pictures, dark=False)
    at_a_desk(folder, guide[:3], pictures, dark=True)
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
