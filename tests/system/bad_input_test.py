"""Bad packets, bad payloads, bad configurations: each has its counter or its sentence."""

import struct
import time

import harness
import wire_source
from harness import Case, payload, sealed


class BadPackets(Case):
    def summary_with(self, damage, **options):
        """Both sources send 100 events; `damage(source)` sends bad frames through the left one in between."""
        trigger = self.trigger(**options)
        left, right = self.sources(trigger)
        left.events(0, 60)
        right.events(0, 60)
        damage(left)
        left.events(60, 100)
        right.events(60, 100)
        for one in (left, right):
            one.end_run()
        summary = self.assert_done(trigger)
        self.assertEqual(summary["ledger"]["total"]["events"]["complete"], 100)
        return summary["ledger"]["total"]

    def frames_with(self, *frames):
        return self.summary_with(lambda source: [source.raw(frame) for frame in frames])["frames"]

    def good_frame(self, events=range(0, 3), source=1, run=harness.RUN):
        frames = []
        shard = wire_source.Shard(frames.append, source, run, 1)
        shard.packets = 1000
        for event in events:
            shard.add(event, 0, payload(event, source), 64, 100)
        shard.flush()
        return frames[0]

    def test_truncated(self):
        frame = self.good_frame()
        counts = self.frames_with(frame[:-5], frame[:64], frame[:63], frame[:10], b"", b"\0")
        self.assertEqual(counts["wrong_frame_size"], 2)
        self.assertEqual(counts["too_short"], 4)

    def test_oversized(self):
        counts = self.frames_with(self.good_frame() + bytes(64 << 20))
        self.assertEqual(counts["too_long"], 1)

    @staticmethod
    def is_complete(trigger, event):
        _, flags, *_ = trigger.collector.events.get(event, (None, 1))
        return flags == 0

    def test_a_frame_that_zmq_does_not_take_is_a_transport_gap(self):
        trigger = harness.Trigger(self.folder)
        self.addCleanup(trigger.close)
        text = trigger.config.read_text()
        trigger.config.write_text(text.replace("input: {", "input: {max_frame_bytes: 100000, "))
        trigger.start()
        left, right = self.sources(trigger)
        left.events(0, 60)
        right.events(0, 100)
        while len(trigger.collector.events) < 60:
            trigger.collector.receive(20)
        huge = lambda event, source: bytes(200_000)
        left.events(60, 61, make=huge)
        # The connection ends, with what was on the way; ZeroMQ makes a new one.
        event = 61
        while event < 100 and not self.is_complete(trigger, event - 1):
            left.events(event, event + 1)
            trigger.collector.receive(300)
            event += 1
        for one in (left, right):
            one.end_run()
        summary = self.assert_done(trigger)
        fragments = summary["ledger"]["total"]["sources"][0]["fragments"]
        self.assertGreaterEqual(fragments["transport_gap"], 1)
        self.assertEqual(fragments["sent"], event)
        self.assertGreater(summary["ledger"]["total"]["events"]["complete"], 60)

    def test_every_flipped_bit_of_a_header_is_found(self):
        frame = self.good_frame()
        flipped = []
        for bit in range(64 * 8):
            bad = bytearray(frame)
            bad[bit // 8] ^= 1 << bit % 8
            flipped.append(bytes(bad))
        total = self.summary_with(lambda source: [source.raw(bad) for bad in flipped])
        self.assertEqual(sum(total["frames"].values()) - total["frames"]["ok"], 512)
        self.assertGreater(total["frames"]["wrong_checksum"], 300)

    def test_flipped_payload(self):
        frame = bytearray(self.good_frame())
        frame[-1] ^= 4
        self.assertEqual(self.frames_with(bytes(frame))["wrong_checksum"], 1)

    def test_wrong_magic_version_and_kind(self):
        frame = self.good_frame()
        counts = self.frames_with(
            sealed(b"XXXX" + frame[4:]),
            sealed(frame[:4] + struct.pack("<H", 7) + frame[6:]),
            sealed(frame[:6] + struct.pack("<H", 48) + frame[8:]),
            sealed(frame[:8] + struct.pack("<H", 77) + frame[10:]),
            sealed(frame[:36] + struct.pack("<I", 1 << 30) + frame[40:]))  # fmt: skip
        for status in ("wrong_magic", "wrong_version", "wrong_header_size", "unknown_kind", "wrong_fragment_count"):
            self.assertEqual(counts[status], 1, status)

    def test_wrong_run(self):
        total = self.summary_with(lambda source: source.raw(self.good_frame(run=3)))
        self.assertEqual(total["sources"][0]["fragments"]["wrong_run"], 3)

    def test_unknown_source(self):
        total = self.summary_with(lambda source: source.raw(self.good_frame(source=77)))
        self.assertEqual(total["unknown_sources"]["fragments"]["unknown_source"], 3)

    def test_duplicated(self):
        total = self.summary_with(lambda source: [source.raw(source.last), source.raw(source.last)])
        self.assertGreater(total["sources"][0]["fragments"]["duplicate"], 0)
        self.assertEqual(total["sources"][0]["packets"]["outside"], 2)

    def test_a_packet_that_spans_two_blocks(self):
        frames = []
        shard = wire_source.Shard(frames.append, 1, harness.RUN, 1)
        shard.packets, shard.fragments = 3, 60  # as if it were the next one of the left source
        for event in range(62, 67):
            shard.waiting.append((event, payload(event, 1)))
        shard.flush()

        trigger = self.trigger()
        left, right = self.sources(trigger)
        for one in (left, right):
            one.events(0, 60)
        left.raw(frames[0])
        while len(trigger.collector.events) < 60:
            trigger.collector.receive(20)
        time.sleep(0.5)  # the frame follows the last fragments at once
        trigger.process.send_signal(15)
        total = self.assert_done(trigger)["ledger"]["total"]
        self.assertEqual(total["frames"]["spans_blocks"], 1)
        self.assertEqual(total["sources"][0]["fragments"]["corrupt"], 5)

    def test_a_lost_packet_is_a_transport_gap(self):
        trigger = self.trigger(timeout_ms=200)
        left, right = self.sources(trigger)
        for one in (left, right):
            one.events(0, 60)
        send = left.shards[0].send_frame
        left.shards[0].send_frame = lambda frame: None
        left.events(60, 64)
        left.shards[0].send_frame = send
        right.events(60, 64)
        for one in (left, right):
            one.events(64, 100)
            one.end_run()
        summary = self.assert_done(trigger)
        book = summary["ledger"]["total"]["sources"][0]
        self.assertEqual((book["packets"]["transport_gap"], book["fragments"]["transport_gap"]), (1, 4))

    def test_event_number_far_ahead_of_all_others(self):
        def jump(source):
            source.events(1 << 40, (1 << 40) + 3)

        total = self.summary_with(jump, timeout_ms=100)
        fragments = total["sources"][0]["fragments"]
        self.assertEqual(fragments["far_ahead"] + fragments["used"], 103)

    def test_payload_shorter_than_described(self):
        trigger = self.trigger()
        left, right = self.sources(trigger)
        left.events(0, 100, make=lambda event, source: payload(event, source)[: 1 if event % 10 == 3 else 4])
        right.events(0, 100)
        for one in (left, right):
            one.end_run()
        summary = self.assert_done(trigger)
        self.assertEqual(summary["causes"]["bad_payload"], 10)
        self.assertEqual(trigger.collector.events[13][0], "forced")
        self.assertEqual(trigger.collector.events[14][1], 0)
        replay = trigger.replay()
        self.assertEqual(replay.returncode, 0, replay.stdout + replay.stderr)

    def test_garbage_of_any_length(self):
        state = 1
        frames = []
        for length in list(range(0, 200, 7)) + [1000, 70_000]:
            frame = bytearray()
            while len(frame) < length:
                state = state * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
                frame += struct.pack("<Q", state)
            frames.append(bytes(frame[:length]))
        counts = self.frames_with(*frames)
        self.assertEqual(sum(counts.values()) - counts["ok"], len(frames))


class BadConfigurations(Case):
    """Exit status 2 and one sentence with file, line and key."""

    def refused(self, change, *parts, command=("run",)):
        trigger = harness.Trigger(self.folder)
        self.addCleanup(trigger.close)
        text = trigger.config.read_text()
        changed = change(text)
        self.assertNotEqual(text, changed)
        trigger.config.write_text(changed)
        for words in (["run", trigger.config, "--check"], ["run", trigger.config]):
            done = harness.run_crible(*words)
            self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
            for part in ("trigger.yaml", *parts):
                self.assertIn(part, done.stderr)
        self.assertFalse(trigger.recording.exists(), "nothing half-written")

    def test_unknown_key(self):
        self.refused(lambda text: text.replace("block_events", "block_event"), "run.build", "block_events")

    def test_wrong_type(self):
        self.refused(lambda text: text.replace("shards: 1", "shards: many"), "run.shards")

    def test_out_of_range(self):
        self.refused(lambda text: text.replace("shards: 1", "shards: 0"), "run.shards")

    def test_ring_that_is_no_power_of_two(self):
        self.refused(lambda text: text.replace("ring_events: 4096", "ring_events: 4097"), "run.build", "power of two")

    def test_wrong_unit(self):
        self.refused(lambda text: text.replace("left.value >= 900", "left.value >= 900 GeV"), "menu.chains[0]")

    def test_unknown_network(self):
        self.refused(lambda text: text.replace("left.value >= 900", "tagger.score >= 900"), "menu.chains[0]")

    def test_missing_network_file(self):
        entry = "networks: [{name: lost, file: nowhere.crn, inputs: [{from: [{value: left.value}]}]}]"
        self.refused(lambda text: text.replace("networks: []", entry), "nowhere.crn")

    def test_more_outputs_than_a_decision_holds(self):
        count = 16_000
        ones = " ".join("1" * count)
        (self.folder / "wide.crn").write_text(
            f"crible network 1\nname wide\nx = input : s16.0 [1]\nw = dense(x) : s32.0 [{count}]\n"
            f"  outputs {count}\n  inputs 1\n  weights {ones}\n  bias {ones}\ny = output(w) : s32.0 [{count}]\n")
        entry = f"networks: [{{name: wide, file: {self.folder}/wide.crn, inputs: [{{from: [{{value: left.value}}]}}]}}]"
        self.refused(lambda text: text.replace("networks: []", entry), "networks", "wide", "16000 values", "'outputs'")

    def test_two_sources_with_one_name(self):
        self.refused(lambda text: text.replace("name: right", "name: left"), "left")

    def test_two_sources_with_one_number(self):
        self.refused(lambda text: text.replace("id: 2", "id: 1"), "detector.sources")

    def test_not_yaml(self):
        self.refused(lambda text: text.replace("detector:", "detector: ["), "trigger.yaml")

    def test_unknown_backend(self):
        self.refused_backend("abacus")
        self.refused(lambda text: text + "  batch: {backend: abacus}\n", "run.batch.backend", "abacus")

    def refused_backend(self, name):
        trigger = harness.Trigger(self.folder)
        self.addCleanup(trigger.close)
        done = harness.run_crible("run", trigger.config, "--check", "--backend", name)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn(name, done.stderr)

    def test_a_configuration_that_is_not_there(self):
        done = harness.run_crible("run", self.folder / "nothing.yaml")
        self.assertEqual(done.returncode, 2)
        self.assertIn("nothing.yaml", done.stderr)


if __name__ == "__main__":
    harness.main("__main__")
