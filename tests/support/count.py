"""Adds up what ctest ran: "N passed, N failed[, N skipped]", by cases where a test has cases.

Usage: count.py <file of ctest --output-junit>. Output of failed tests is printed first."""
import re
import sys
import xml.etree.ElementTree as xml

CASES = re.compile(r"^\[  (PASSED|FAILED)  \] (\d+) test", re.MULTILINE)  # GoogleTest and cmocka
SCRIPT = re.compile(r"^(\d+) passed, (\d+) failed", re.MULTILINE)  # scripts of ours
# What went well says nothing about what did not.
GOOD = re.compile(r"^\[ RUN +\] (\S+)\n(?:(?!\[ RUN ).*\n)*?\[ +OK \] \1\b.*\n|^\[-{10}\].*\n",
                  re.MULTILINE)


def cases(test):
    output = test.findtext("system-out") or ""
    status = test.get("status")
    if status in ("notrun", "disabled"):
        # Skipped by its own exit status; a program that is not there is a failure.
        skipped = test.find("skipped")
        missing = skipped is None or "SKIP_RETURN_CODE" not in (skipped.get("message") or "")
        return (0, 1, 0) if missing else (0, 0, 1)
    passed = failed = 0
    for word, count in CASES.findall(output):
        passed, failed = (passed + int(count), failed) if word == "PASSED" else (
            passed, failed + int(count))
    for left, right in SCRIPT.findall(output):
        passed, failed = passed + int(left), failed + int(right)
    if status == "fail":
        failed = max(failed, 1)
    elif passed + failed == 0:
        passed = 1
    return passed, failed, 0


total = [0, 0, 0]
for test in xml.parse(sys.argv[1]).getroot().iter("testcase"):
    counts = cases(test)
    total = [a + b for a, b in zip(total, counts)]
    if counts[1]:
        # The time tells a test that ran into its limit.
        print(f"--- {test.get('name')}: {test.get('status')} after {float(test.get('time')):.1f} s\n"
              f"{GOOD.sub('', test.findtext('system-out') or '')}")
print("{} passed, {} failed, {} skipped".format(*total))
