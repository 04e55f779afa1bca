"""The benchmarks of the structured core: ours and the peers, section by section, each in a process of
its own, alternating; one round goes over all sections, so that every row has a figure before any gets
a second one. With --quick the slow peers come last, once. All programs take "SECTION N [TOTAL]" and print "name value" lines, in nanoseconds for
each operation (memory: in bytes for each task)."""

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field

# What each figure is compared with, and what it must reach (a flat cost: at most this many times).
BUDGETS = {
    "spawn_join": 60,
    "scope_open_close": 30,
    "cancel_sleeper": 100,
    "timer_add": 70,
    "timer_cancel": 60,
    "sleep_add": 70,
    "sleep_cancel": 60,
    "limiter_try": 20,
    "post": 5,
    "queue_drain": 10,
    "task_memory": 200,
    "cost_flat": 1.5,
}
UNITS = {"post": "M/s", "queue_drain": "M/s", "task_memory": "bytes", "cost_flat": "x"}  # others: ns
RATES = ("post", "queue_drain")  # printed as nanoseconds, shown as a rate
COSTS = (1000, 10_000, 100_000, 1_000_000)

SECTIONS = ("spawn", "scope", "cancel", "timers", "post", "drain", "limiter", "event", "channel",
            "memory", "cost")


@dataclass
class Program:
    """One program: its command, the size of its sections beside ours, and what it calls things."""

    name: str
    command: list
    slow: bool = False  # thousands of nanoseconds an operation: smaller counts, one round if quick
    heavy: bool = False  # thousands of bytes a task: not a million of them at once if quick
    names: dict = field(default_factory=dict)  # where another thing of it than its task group counts
    values: dict = field(default_factory=dict)  # name to the values of all rounds

    def label(self, section):
        return self.names.get(section, self.name)

    def calls(self, section, quick):
        """The arguments of a section: one call, or several."""
        if section == "cancel":
            return [[100_000]]
        if section in ("drain", "event"):
            return [[100_000]]
        if section in ("timers", "memory"):
            if self.slow:
                return [[20_000 if quick else 100_000]]
            return [[100_000 if quick and self.heavy and section == "memory" else 1_000_000]]
        total = (20_000 if quick else 100_000) if self.slow else (200_000 if quick else 2_000_000)
        if section == "cost":
            most = 100_000 if self.slow else 1_000_000
            if quick:
                most = 10_000 if self.slow else most
            return [[n, total] for n in COSTS if n <= most]
        return [[total]]


def programs(bench):
    """Ours and those peers that are on the machine. Says which are not, and why."""
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers")
    build = bench.options.build
    found = [Program("creche", [bench.program("core_bench")])]

    def add(program, reason):
        if reason:
            bench.skip(program.name, reason)
        else:
            found.append(program)

    tokio = bench.peer("tokio_bench")
    add(Program("tokio JoinSet", [tokio], names={
        "scope": "tokio_util child token", "timers": "tokio Sleep", "post": "tokio mpsc",
        "drain": "tokio mpsc", "limiter": "tokio Semaphore", "event": "tokio Notify",
        "channel": "tokio mpsc"}), None if tokio else "no cargo, or it could not build tests/bench/peers")
    go = os.path.join(build, "go_bench")
    add(Program("Go errgroup", [go], heavy=True, names={
        "scope": "Go context.WithCancel", "timers": "Go AfterFunc", "post": "Go channel",
        "drain": "Go channel", "limiter": "Go x/sync/semaphore", "event": "Go close(chan)",
        "channel": "Go channel"}),
        None if os.path.exists(go) else "no go, or it could not build tests/bench/peers")
    add(Program("asyncio TaskGroup", [sys.executable, os.path.join(here, "asyncio_bench.py")],
                slow=True, names={
                    "scope": "asyncio.timeout", "timers": "asyncio call_later",
                    "post": "asyncio call_soon_threadsafe", "drain": "asyncio Queue",
                    "limiter": "asyncio Semaphore", "event": "asyncio Event",
                    "channel": "asyncio Queue"}),
        None if sys.version_info >= (3, 11) else "Python is older than 3.11")
    python = os.path.join(build, "venv", "bin", "python")
    has_trio = os.path.exists(python) and subprocess.run(
        [python, "-c", "import trio"], stderr=subprocess.DEVNULL, check=False).returncode == 0
    add(Program("Trio nursery", [python, os.path.join(here, "trio_bench.py")], slow=True, names={
        "scope": "Trio CancelScope", "timers": "Trio CancelScope", "post": "Trio run_sync_soon",
        "drain": "Trio memory channel", "limiter": "Trio CapacityLimiter", "event": "Trio Event",
        "channel": "Trio memory channel"}),
        None if has_trio else "pip could not install it")
    return found


class Structured:
    def __init__(self, bench, sections):
        self.bench = bench
        self.sections = sections
        self.programs = programs(bench)
        self.end = time.monotonic() + bench.options.bound
        self.given_up = set()
        self.has_figures = set()

    def call(self, program, section, arguments):
        """One process. Ours may take as long as it needs; a peer only what is left of the time."""
        left = None
        if program.name != "creche":
            left = self.end - time.monotonic()
            if left <= 0:
                self.give_up(program, section, "no time left for it")
                return
        command = program.command + [section] + [str(a) for a in arguments]
        try:
            process = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=left,
                                     check=True)
        except subprocess.TimeoutExpired:
            self.give_up(program, section, "the time was over before it had finished")
            return
        except subprocess.CalledProcessError as error:
            if program.name == "creche":
                raise
            self.give_up(program, section, f"exit status {error.returncode}")
            return
        for line in process.stdout.splitlines():
            name, value = line.split()
            figure = 1000 / float(value) if name in RATES else float(value)
            program.values.setdefault(name, []).append(figure)
        self.has_figures.add((program.name, section))

    def give_up(self, program, section, reason):
        """What failed once is not tried again. Later rounds that are cut short are no loss."""
        if (program.name, section) not in self.given_up:
            self.given_up.add((program.name, section))
            if (program.name, section) not in self.has_figures:
                self.bench.skip(f"{program.label(section)}, {section}", reason)

    def run(self):
        quick = self.bench.options.quick
        rounds = self.bench.options.rounds
        for number in range(rounds):
            if number > 0 and time.monotonic() > self.end:
                self.bench.progress(f"  time is over after {number} of {rounds} rounds")
                break
            self.round(f"round {number + 1}/{rounds}",
                       [p for p in self.programs if not (quick and p.slow)])
        if quick:
            self.round("slow peers", [p for p in self.programs if p.slow])
        for section in self.sections:
            self.rows(section)

    def round(self, name, programs):
        for section in self.sections:
            for program in programs:
                if (program.name, section) in self.given_up:
                    continue
                self.bench.progress(f"  {name}: {section}: {program.label(section)}")
                for arguments in program.calls(section, self.bench.options.quick):
                    self.call(program, section, arguments)

    def figures(self, program):
        """The medians, and from the costs at both ends whether they are flat."""
        figures = {name: statistics.median(values) for name, values in program.values.items()}
        least, most = (figures.get(f"cost_{n}") for n in (COSTS[0], COSTS[-1]))
        if least and most:
            figures["cost_flat"] = most / least
        return figures

    def rows(self, section):
        names = {
            "spawn": ["spawn_join"], "scope": ["scope_open_close"], "cancel": ["cancel_sleeper"],
            "timers": ["timer_add", "timer_cancel", "sleep_add", "sleep_cancel"],
            "post": ["post"], "drain": ["queue_drain"], "memory": ["task_memory"],
            "limiter": ["limiter_try", "limiter_acquire", "limiter_handover"],
            "event": ["event_wait"], "channel": ["channel_item"],
            "cost": [f"cost_{n}" for n in COSTS] + ["cost_flat"],
        }[section]
        ours = self.figures(self.programs[0])
        for name in names:
            unit = UNITS.get(name, "ns")
            more_is_better = name in RATES
            if name in BUDGETS:
                self.bench.add(name, unit, ours[name], "budget", BUDGETS[name], more_is_better)
            if section == "cost" and name != "cost_flat":  # so that it shows without any peer, too
                self.bench.add(name, unit, ours[name], "itself at 1,000", ours["cost_1000"], False)
            for program in self.programs[1:]:
                figures = self.figures(program)
                if name in figures:
                    self.bench.add(name, unit, ours[name], program.label(section), figures[name],
                                   more_is_better)
