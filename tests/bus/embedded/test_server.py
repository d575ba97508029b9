"""The broker as a process: started, stopped by a signal, refused with one line."""

import logging
import os
import signal
import threading

import pytest

from pipeline.bus.embedded import serve, storage
from pipeline.bus.embedded.__main__ import main
from tests.brokers import embedded_broker
from tests.waiting import wait_for


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_a_signal(tmp_path, caplog, number):
    caplog.set_level(logging.INFO)

    def end_when_ready():
        wait_for(lambda: "ready on 127.0.0.1" in caplog.text, what="the ready line")
        os.kill(os.getpid(), number)

    ending = threading.Thread(target=end_when_ready)
    ending.start()
    serve("127.0.0.1", 0, tmp_path)
    ending.join()
    assert caplog.messages[-1] == "embedded broker stopped"
    assert int((tmp_path / "port").read_text()) > 0
    storage.FolderLock(tmp_path).release()


def test_a_locked_folder_is_one_line(tmp_path, capsys):
    held = storage.FolderLock(tmp_path)
    assert main(["--port", "0", "--dir", str(tmp_path)]) == 1
    held.release()
    assert capsys.readouterr().err.count("\n") == 1


def test_an_address_in_use_is_one_line(tmp_path):
    with embedded_broker(tmp_path) as running:
        assert main(["--port", str(running.port), "--dir", str(tmp_path / "other")]) == 1


def test_a_folder_that_is_a_file_is_one_line(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["--port", "0", "--dir", str(tmp_path / "file")]) == 1
    assert "file" in capsys.readouterr().err
