"""The online trigger from packets to decisions, recording, ledger and replay."""

import pathlib
import re
import signal
import struct
import subprocess
import sys
import time
import urllib.request

import harness
from harness import Case, fires, payload


class Run(Case):
    def send_all(self, sources, first, end, blocks=1):
        """Events in luminosity blocks of equal length, each closed by both sources."""
        length = (end - first) // blocks
        for block in range(blocks):
            for one in sources:
                one.events(first + block * length, first + (block + 1) * length, luminosity_block=block)
                one.end_luminosity_block(block)

    def test_decides_records_and_replays(self):
        trigger = self.trigger()
        sources = self.sources(trigger)
        self.send_all(sources, 0, 3000, blocks=3)
        for one in sources:
            one.end_run(2)
        summary = self.assert_done(trigger)
        self.assertEqual(summary["events"], 3000)
        self.assertEqual(summary["ledger"]["total"]["events"]["complete"], 3000)
        self.assertEqual(summary["ledger"]["total"]["total"]["fragments"]["used"], 6000)
        self.assertEqual([block["luminosity_block"] for block in summary["ledger"]["luminosity_blocks"]], [0, 1, 2])
        self.assertEqual(summary["chains"]["large"]["before_prescale"], 300)

        decided = trigger.collector.events
        self.assertEqual(sorted(decided), list(range(3000)))
        for event, (outcome, flags, _, _) in decided.items():
            self.assertEqual(flags, 0)
            if fires(event):
                self.assertEqual(outcome, "accepted")
        prescaled = [e for e in decided if not fires(e) and decided[e][0] == "accepted"]
        self.assertTrue(20 < len(prescaled) < 100, len(prescaled))  # 2700 / 50 by a hash
        self.assertEqual(sum(book["events"]["opened"] for book in trigger.collector.books), 3000)

        kept = sum(decided[e][2] != 0 for e in decided)
        self.assertEqual(summary["recording"]["recorded"], kept)
        replay = trigger.replay()
        self.assertEqual(replay.returncode, 0, replay.stdout + replay.stderr)

    def test_two_shards_decide_as_one(self):
        found = []
        for shards in (1, 2):
            trigger = self.trigger(shards=shards, name=f"shards{shards}")
            sources = self.sources(trigger)
            self.send_all(sources, 100, 2100)
            for one in sources:
                one.end_run()
            summary = self.assert_done(trigger)
            self.assertEqual(summary["ledger"]["total"]["events"]["complete"], 2000)
            found.append({event: (outcome, flags, streams) for event, (outcome, flags, streams, _) in
                          trigger.collector.events.items()})  # fmt: skip
        self.assertEqual(len(found[0]), 2000)
        self.assertEqual(found[0], found[1])

    def test_signals_drain_and_close_the_books(self):
        for signal in (15, 2):
            trigger = self.trigger(name=f"signal{signal}", timeout_ms=60_000)
            left, right = self.sources(trigger)
            left.events(0, 500)
            right.events(0, 400)
            while len(trigger.collector.events) < 400:
                trigger.collector.receive(20)
            trigger.process.send_signal(signal)
            summary = self.assert_done(trigger)
            events = summary["ledger"]["total"]["events"]
            self.assertEqual((events["complete"], events["incomplete_stop"]), (400, 100))
            self.assertEqual(summary["causes"]["incomplete_stop"], 100)
            for event in range(400, 500):
                self.assertEqual(trigger.collector.events[event][0], "forced")
            replay = trigger.replay()
            self.assertEqual(replay.returncode, 0, replay.stdout + replay.stderr)

    def test_a_source_that_stops_makes_incomplete_events(self):
        trigger = self.trigger(timeout_ms=200)
        left, right = self.sources(trigger)
        left.events(0, 300)
        right.events(0, 200)
        while len(trigger.collector.events) < 300:  # the rest by time-out
            trigger.collector.receive(20)
        left.end_run()
        right.end_run()
        summary = self.assert_done(trigger)
        events = summary["ledger"]["total"]["events"]
        self.assertEqual((events["complete"], events["incomplete_timeout"]), (200, 100))
        self.assertEqual(summary["streams"]["debug"], 100)

    def test_a_source_that_starts_again_and_one_that_repeats_itself(self):
        trigger = self.trigger()
        left, right = self.sources(trigger)
        left.events(0, 100)
        right.events(0, 100)
        left.restart(epoch=2)  # its sequence begins at 0 again
        left.events(100, 200)
        right.events(100, 160)
        repeated = right.last
        right.raw(repeated)
        right.events(160, 200)
        for one in (left, right):
            one.end_run()
        summary = self.assert_done(trigger)
        left_book, right_book = summary["ledger"]["total"]["sources"]
        self.assertEqual(summary["ledger"]["total"]["events"]["complete"], 200)
        self.assertEqual(left_book["packets"]["restarts"], 1)
        self.assertEqual(right_book["packets"]["outside"], 1)
        count = struct.unpack_from("<I", repeated, 36)[0]
        self.assertEqual(right_book["fragments"]["outside"], count)
        self.assertEqual(right_book["fragments"]["duplicate"], count)

    def test_event_numbers_that_jump_by_2_to_the_32(self):
        trigger = self.trigger()
        for one in self.sources(trigger):  # the second one is still before all jumps when the first one is behind
            for first in (0, 1 << 32, 3 << 32):
                one.events(first, first + 128)
            one.end_run()
        summary = self.assert_done(trigger)
        self.assertEqual(summary["ledger"]["total"]["events"]["complete"], 384)
        self.assertIn((3 << 32) + 127, trigger.collector.events)

    def test_a_source_far_ahead_waits_and_nothing_is_lost(self):
        trigger = self.trigger(timeout_ms=5000)
        for one in self.sources(trigger):  # the ring holds 4096 events
            one.events(0, 20_000)
            one.end_run()
        summary = self.assert_done(trigger)
        self.assertEqual(summary["ledger"]["total"]["events"]["complete"], 20_000)

    def test_a_source_that_starts_late_catches_up(self):
        trigger = self.trigger(timeout_ms=200)
        left, right = self.sources(trigger)
        left.events(0, 20_000)
        while len(trigger.collector.events) < 15_000:  # decided without the right one, which is not waited for
            trigger.collector.receive(20)
        for first in range(0, 40_000, 500):  # it stays as far behind in what it sends
            left.events(20_000 + first, 20_500 + first)
            right.events(first, first + 500)
        right.events(40_000, 60_000)
        for one in (left, right):
            one.end_run()
        summary = self.assert_done(trigger)
        events = summary["ledger"]["total"]["events"]
        self.assertGreater(events["complete"], 30_000, events)
        self.assertEqual(events["opened"], len(trigger.collector.events))

    def test_an_event_number_is_decided_once_whatever_its_sources_do(self):
        trigger = self.trigger(timeout_ms=100)
        left, right = self.sources(trigger)
        left.events(0, 30_000)
        while len(trigger.collector.events) < 30_000:
            trigger.collector.receive(20)
        right.events(0, 30_000)
        for one in (left, right):
            one.end_run()
        summary = self.assert_done(trigger)  # the collector fails when one comes twice
        self.assertEqual(len(trigger.collector.events), 30_000)
        self.assertEqual(summary["ledger"]["total"]["sources"][1]["fragments"]["late"], 30_000)

    def test_asked_to_stop_while_a_source_is_ahead_everything_is_accounted_for(self):
        trigger = self.trigger(timeout_ms=60_000)
        left, right = self.sources(trigger)
        left.events(0, 20_000)
        right.events(0, 100)
        while len(trigger.collector.events) < 100:
            trigger.collector.receive(20)
        time.sleep(0.5)  # what the left one sent is there, most of it not read
        trigger.process.send_signal(signal.SIGTERM)
        total = self.assert_done(trigger)["ledger"]["total"]
        events = total["events"]
        self.assertEqual(events["complete"], 100)
        self.assertGreater(events["incomplete_stop"] + events["evicted"], 2048)  # those that waited, and more
        self.assertEqual(total["sources"][0]["fragments"]["received"], events["opened"])
        self.assertEqual(len(trigger.collector.events), events["opened"])

    def test_prescale_sets_change_at_luminosity_blocks(self):
        chains = """
  prescale_sets: {tight: {large: 0, prescaled: 0}, open: {prescaled: 1}}
  schedule: [{from: 1, set: tight}, {from: 2, set: open}, {from: 3, set: default}]
"""
        for shards in (1, 2):
            trigger = self.trigger(shards=shards, chains=chains, name=f"sets{shards}")
            sources = self.sources(trigger)
            self.send_all(sources, 0, 4000, blocks=4)
            for one in sources:
                one.end_run(3)
            self.assert_done(trigger)
            kept = [0, 0, 0, 0]
            for event, (outcome, _, _, _) in trigger.collector.events.items():
                kept[event // 1000] += outcome == "accepted"
            self.assertTrue(100 < kept[0] < 160, kept)  # 100 large ones, and one of 50 of the others
            self.assertEqual(kept[1:3], [0, 1000])
            self.assertTrue(100 < kept[3] < 160, kept)
            replay = trigger.replay()
            self.assertEqual(replay.returncode, 0, replay.stdout + replay.stderr)

    def test_the_check_says_what_a_source_has_to_know(self):
        trigger = harness.Trigger(self.folder, shards=2)
        self.addCleanup(trigger.close)
        done = harness.run_crible("run", trigger.config, "--check")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("run 9, blocks of 64 events", done.stdout)
        for number, name in ((1, "left"), (2, "right")):
            self.assertIn(f"source {number} {name} sends to {' '.join(trigger.addresses_of(number))}\n", done.stdout)
        self.assertFalse(trigger.recording.exists(), "it runs nothing")

    def test_the_page_s_own_source_runs(self):
        """docs/wire-format.md as a stranger follows it, with the run's own numbers."""
        page = (pathlib.Path(__file__).parents[2] / "docs" / "wire-format.md").read_text()
        code = re.search(r"```python\n(.*?)```", page, re.DOTALL)[1]
        trigger = self.trigger(shards=2)
        for number in (1, 2):
            text = code
            for old, new in (('["tcp://localhost:5555"]', str(trigger.addresses_of(number))), ("4096", "64"),
                             ("source=3, run=42", f"source={number}, run=9"), ("range(100)", "range(1000)"),
                             ('b"what was seen"', f'struct.pack("<hh", event, {number})')):  # fmt: skip
                self.assertIn(old, text)
                text = text.replace(old, new)
            done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
        summary = self.assert_done(trigger)
        self.assertEqual(summary["ledger"]["total"]["events"]["complete"], 1000)
        self.assertEqual(summary["chains"]["large"]["before_prescale"], 100)
        self.assertEqual(summary["causes"]["bad_payload"], 0)

    def test_a_source_process_that_is_killed_and_starts_again(self):
        trigger = self.trigger(timeout_ms=300)

        def process(number, *more):
            script = pathlib.Path(__file__).with_name("wire_source.py")
            return subprocess.Popen([sys.executable, script, *trigger.addresses_of(number), "--source", str(number),
                                     "--run", "9", "--block-events", "64", "--payload-bytes", "4", *more])  # fmt: skip

        left, right = process(1, "--events", "4000"), process(2, "--events", "1000000")
        while sum(flags == 0 for _, flags, _, _ in trigger.collector.events.values()) < 200:
            trigger.collector.receive_one(20)
        right.kill()
        right.wait()
        self.assertEqual(left.wait(), 0)
        # It comes back with new counts and goes through the events from the first one on.
        time.sleep(1.1)  # its epoch is the time in seconds
        again = process(2, "--events", "4000")
        while again.poll() is None:
            trigger.collector.receive(20)
        summary = self.assert_done(trigger)
        book = summary["ledger"]["total"]["sources"][1]
        self.assertEqual(book["packets"]["restarts"], 1)
        self.assertEqual(book["packets"]["contradictions"], 0)
        events = summary["ledger"]["total"]["events"]
        self.assertGreaterEqual(events["complete"], 200)
        self.assertEqual(events["opened"], len(trigger.collector.events))

    def test_late_events_take_the_declared_action(self):
        for action, outcome in (("accept", "forced"), ("reject", "rejected")):
            trigger = self.trigger(deadline=f"{{limit_us: 0.001, late: {action}}}", name=action)
            sources = self.sources(trigger)
            self.send_all(sources, 0, 200)
            for one in sources:
                one.end_run()
            summary = self.assert_done(trigger)
            late = sum(summary["causes"][cause] for cause in ("late_building", "late_queue", "late_device"))
            self.assertEqual(late, 200)
            self.assertEqual({kept[0] for kept in trigger.collector.events.values()}, {outcome})

    def test_a_random_chain_and_prescales_do_not_depend_on_the_shards(self):
        chains = "    - {name: dice, random: {one_in: 10}, streams: [physics]}"
        counts = []
        for shards in (1, 2):
            trigger = self.trigger(shards=shards, chains=chains, name=f"dice{shards}")
            sources = self.sources(trigger)
            self.send_all(sources, 0, 1280)
            for one in sources:
                one.end_run()
            counts.append(self.assert_done(trigger)["chains"])
        self.assertEqual(counts[0], counts[1])
        self.assertTrue(70 < counts[0]["dice"]["before_prescale"] < 190)

    def test_metrics_are_served(self):
        port = harness.free_ports(1)[0]
        trigger = self.trigger(prometheus=f"127.0.0.1:{port}", timeout_ms=60_000)
        left, right = self.sources(trigger)
        left.events(0, 640)
        right.events(0, 600)
        while len(trigger.collector.events) < 600:
            trigger.collector.receive(20)
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
        lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        self.assertEqual(float(lines['crible_events_total{what="complete"}']), 600)
        self.assertEqual(float(lines['crible_events_total{what="open"}']), 40)
        self.assertEqual(float(lines['crible_fragments_total{source="left",fate="received"}']), 640)
        self.assertEqual(float(lines['crible_chain_events_total{chain="large",prescale="before"}']), 0)
        self.assertEqual(float(lines["crible_decisions_total"]), 600)
        for one in (left, right):
            one.end_run()
        self.assert_done(trigger)


class Networks(Case):
    NETWORK = """crible network 1
name line{k}
x = input : s16.0 [2]
sum = dense(x) : s32.0 [1]
  outputs 1
  inputs 2
  weights {k} 1
  bias {k}
y = output(sum) : s32.0 [1]
"""

    def networks(self, count):
        entries = []
        for k in range(count):
            (self.folder / f"line{k}.crn").write_text(self.NETWORK.format(k=k))
            entries.append(f"\n  - {{name: line{k}, file: {self.folder}/line{k}.crn, outputs: [y], inputs: "
                           "[{from: [{value: left.value}, {value: right.which}]}]}")  # fmt: skip
        return "".join(entries)

    def test_two_hundred_networks_in_one_process(self):
        count = 200
        chains = "    - {name: by_network, when: line7.y >= 6300, streams: [physics]}"
        trigger = self.trigger(networks=self.networks(count), chains=chains)
        sources = self.sources(trigger)
        for one in sources:
            one.events(0, 1000)
            one.end_run()
        summary = self.assert_done(trigger)
        self.assertEqual(summary["networks"]["line199"]["requests"], 1000)
        # y = k * value + which + k, with which = 2 for the right source.
        expected = sum(7 * (event % 1000) + 2 + 7 >= 6300 for event in range(1000))
        self.assertEqual(summary["chains"]["by_network"]["before_prescale"], expected)
        for event, (_, flags, _, rest) in trigger.collector.events.items():
            self.assertEqual(flags, 0)
            at = 16  # behind the chain words: {u16 objects, u16 elements} for each network, then the values
            self.assertEqual(struct.unpack_from("<HH", rest, at), (1, 1))
            values = struct.unpack_from(f"<{count}q", rest, at + 4 * count)
            self.assertEqual(list(values), [k * (event % 1000) + 2 + k for k in range(count)])
        replay = trigger.replay()
        self.assertEqual(replay.returncode, 0, replay.stdout + replay.stderr)


if __name__ == "__main__":
    harness.main("__main__")
