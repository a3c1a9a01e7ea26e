"""What happens when the machine does not play along: kill -9, a full disk, an address in use."""

import resource
import signal
import time

import harness
from harness import Case


class Failures(Case):
    def test_killed_in_the_middle(self):
        trigger = self.trigger(timeout_ms=60_000)
        sources = self.sources(trigger)
        event = 0
        size = 0
        while event < 4000 or size < 20_000:  # until blocks of the recording are on the disk
            for one in sources:
                one.events(event, event + 640)
            event += 640
            trigger.collector.receive(30)
            size = trigger.recording.stat().st_size if trigger.recording.exists() else 0
        for one in sources:
            one.events(event, event + 6400)
        trigger.process.kill()
        trigger.process.wait()
        replay = trigger.replay()
        self.assertEqual(replay.returncode, 0, replay.stdout + replay.stderr)
        self.assertIn("not closed", replay.stdout)

    def test_killed_and_cut_inside_a_block(self):
        trigger = self.trigger(timeout_ms=60_000)
        sources = self.sources(trigger)
        for one in sources:
            one.events(0, 3200)
            one.end_run()
        self.assert_done(trigger)
        whole = trigger.recording.read_bytes()
        for cut in (len(whole) // 3, len(whole) // 2, len(whole) - 3):
            trigger.recording.write_bytes(whole[:cut])
            replay = trigger.replay()
            self.assertEqual(replay.returncode, 0, replay.stdout + replay.stderr)

    def test_full_disk(self):
        def small_files():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))

        trigger = self.trigger(limits=small_files)
        sources = self.sources(trigger)
        for first in range(0, 64_000, 640):
            for one in sources:
                one.events(first, first + 640)
        for one in sources:
            one.end_run()
        self.assertEqual(trigger.wait(), 1, trigger.output + trigger.errors)
        self.assertIn(str(trigger.recording), trigger.errors)
        summary = trigger.summary()
        self.assertTrue(summary["ledger"]["balanced"], summary["ledger"]["violations"])
        recording = summary["recording"]
        self.assertGreater(recording["recorded"], 0)
        self.assertGreater(recording["write_failed"], 0)
        self.assertEqual(recording["offered"], recording["recorded"] + recording["write_failed"])
        self.assertEqual(len(trigger.collector.events), 64_000)  # decisions go on

    def test_input_address_in_use(self):
        first = self.trigger()
        second = harness.Trigger(self.folder, name="second")
        self.addCleanup(second.close)
        text = second.config.read_text()
        second.config.write_text(text.replace(second.addresses[0], first.addresses[0]))
        first.listening()
        second.start()
        self.assertEqual(second.wait(), 2)
        self.assertIn(first.addresses[0], second.errors)
        self.assertIn("in use", second.errors)
        self.assertFalse(second.recording.exists())
        first.process.send_signal(signal.SIGTERM)
        self.assert_done(first)

    def test_decisions_address_in_use(self):
        second = harness.Trigger(self.folder)
        self.addCleanup(second.close)
        text = second.config.read_text()
        second.config.write_text(text.replace("decisions: {connect:", "decisions: {bind:"))
        second.start()  # the test's own collector listens there
        self.assertEqual(second.wait(), 2, second.errors)
        self.assertIn(second.decisions, second.errors)
        self.assertIn("run.decisions", second.errors)
        self.assertFalse(second.recording.exists())

    def test_an_address_of_the_second_source_in_use(self):
        first = self.trigger()
        second = harness.Trigger(self.folder, name="second")
        self.addCleanup(second.close)
        port = int(first.addresses[1].rsplit(":", 1)[1])
        text = second.config.read_text()
        second.config.write_text(text.replace(second.addresses[0], f"tcp://127.0.0.1:{port - 1}"))
        first.listening(f"127.0.0.1:{port}")
        second.start()
        self.assertEqual(second.wait(), 2)
        self.assertIn("in use", second.errors)
        first.process.send_signal(signal.SIGTERM)
        self.assert_done(first)

    def test_asked_to_stop_without_a_collector_what_nobody_takes_is_counted(self):
        trigger = harness.Trigger(self.folder)
        self.addCleanup(trigger.close)
        text = trigger.config.read_text()
        trigger.config.write_text(text.replace("  number: 9", "  number: 9\n  drain_ms: 300"))
        trigger.collector.close()
        trigger.start()
        sources = self.sources(trigger)
        for one in sources:
            one.events(0, 2000)
        time.sleep(1)
        trigger.process.send_signal(signal.SIGINT)
        _, errors = trigger.process.communicate(timeout=60)
        self.assertEqual(trigger.process.returncode, 0, errors)
        trigger.collector = harness.Collector(trigger.decisions)
        summary = trigger.summary()
        self.assertEqual(summary["ledger"]["violations"], [])
        self.assertEqual(summary["decisions"]["published"], 0)
        self.assertGreater(summary["events"], 0)
        self.assertEqual(summary["decisions"]["dropped"], summary["events"])

    def test_more_sources_and_shards_than_the_usual_limits_of_sockets_and_files(self):
        def usual_limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

        trigger = harness.Trigger(self.folder, shards=4, limits=usual_limit)
        self.addCleanup(trigger.close)
        text = trigger.config.read_text()
        first = '    - {name: left, id: 1'
        more = "".join(f"    - {{name: s{i}, id: {i}, payload: [{{name: x, type: u8}}]}}\n" for i in range(3, 301))
        self.assertIn(first, text)
        text = text.replace(first, more + first).replace(trigger.addresses[0], f"ipc://{self.folder}/in")
        trigger.config.write_text(text)
        trigger.start()
        last = self.folder / "in.1199"
        while not last.exists() and trigger.process.poll() is None:
            time.sleep(0.02)
        trigger.process.send_signal(signal.SIGTERM)
        self.assert_done(trigger)

    def test_metrics_address_in_use(self):
        port = harness.free_ports(1)[0]
        first = self.trigger(prometheus=f"127.0.0.1:{port}")
        first.listening(f"127.0.0.1:{port}")
        second = self.trigger(prometheus=f"127.0.0.1:{port}", name="second")
        self.assertEqual(second.wait(), 2, second.errors)
        self.assertIn(str(port), second.errors)
        self.assertFalse(second.recording.exists(), "nothing half-written")
        first.process.send_signal(signal.SIGTERM)
        self.assert_done(first)

    def test_a_book_that_the_disk_refuses_is_a_failure(self):
        trigger = self.trigger()
        for one in self.sources(trigger):
            one.end_run()
        self.assert_done(trigger)
        size = trigger.recording.stat().st_size
        trigger.recording.unlink()

        def one_byte_too_few():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size - 100, size - 100))

        trigger = self.trigger(limits=one_byte_too_few, name="small")
        for one in self.sources(trigger):
            one.end_run()
        trigger.wait()
        self.assertNotEqual(trigger.process.returncode, 0)
        self.assertIn("the recording has no final block", trigger.errors)

    def test_the_folder_of_the_summary_is_looked_for_first(self):
        trigger = harness.Trigger(self.folder)
        self.addCleanup(trigger.close)
        done = harness.run_crible("run", trigger.config, "--json", self.folder / "no" / "a.json")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("no folder", done.stderr)
        self.assertFalse((self.folder / "trigger.crec").exists())

    def test_an_existing_recording_is_not_overwritten(self):
        (self.folder / "trigger.crec").write_text("precious")
        trigger = self.trigger()
        self.assertEqual(trigger.wait(), 2, trigger.errors)
        self.assertEqual((self.folder / "trigger.crec").read_text(), "precious")

    def test_no_collector_holds_the_sources_back_and_loses_nothing(self):
        trigger = harness.Trigger(self.folder)
        self.addCleanup(trigger.close)
        address = trigger.decisions
        trigger.collector.close()
        text = trigger.config.read_text()
        trigger.config.write_text(text.replace("status_s: 0", "status_s: 0.1"))  # who waits still has a status
        trigger.start()
        sources = self.sources(trigger)
        for one in sources:
            one.events(0, 2000)
            one.end_run()
        time.sleep(1)
        trigger.collector = harness.Collector(address)
        summary = self.assert_done(trigger)
        self.assertEqual(summary["decisions"]["published"], 2000)
        self.assertEqual(len(trigger.collector.events), 2000)


if __name__ == "__main__":
    harness.main("__main__")
