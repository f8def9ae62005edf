"""The served example, by workers that are spawned and by workers that are forked."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_wine

from skmae import MaskedAutoencoderClassifier

from .conftest import with_encoder

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")
skops_io = pytest.importorskip("skops.io")

EXAMPLE = Path(__file__).parents[1] / "examples" / "serving"
N_WORKERS = 2


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def command(server, port):
    if server == "spawned":
        on = ["--port", str(port), "--workers", str(N_WORKERS), "--log-level", "error"]
        return [sys.executable, "-m", "uvicorn", "app:app", *on]
    pytest.importorskip("gunicorn")
    pytest.importorskip("uvicorn_worker")
    on = ["--bind", f"127.0.0.1:{port}", "--workers", str(N_WORKERS), "--preload"]
    kind = ["--worker-class", "uvicorn_worker.UvicornWorker", "--log-level", "error"]
    return [sys.executable, "-m", "gunicorn", "app:app", *on, *kind]


def ask(port, rows):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/predict",
        json.dumps({"rows": rows}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def wait_for(process, port, seconds=120):
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the server does not start")


@pytest.fixture
def served(request, tmp_path):
    """A classifier, its rows, and the port where it is served."""
    data = load_wine(as_frame=True)
    clf = with_encoder(
        MaskedAutoencoderClassifier,
        hidden_layer_sizes=(16,),
        max_epochs=3,
        fine_tune_epochs=3,
        calibrate=False,
        device="cpu",
        random_state=0,
    ).fit(data.data, data.target_names[data.target])
    skops_io.dump(clf, tmp_path / "classifier.skops")
    port = free_port()
    # Threads of torch would be lost in a fork, which is what is to be found out.
    surroundings = os.environ | {
        "CLASSIFIER": str(tmp_path / "classifier.skops"),
        "OMP_NUM_THREADS": "2",
        "PYTHONPATH": os.pathsep.join([str(EXAMPLE.parents[1]), *sys.path]),
    }
    process = subprocess.Popen(
        command(request.param, port), cwd=EXAMPLE, env=surroundings
    )
    try:
        wait_for(process, port)
        yield clf, data.data, port
    finally:
        process.terminate()
        process.wait(timeout=60)


@pytest.mark.parametrize("served", ["spawned", "forked"], indirect=True)
def test_workers_say_what_the_classifier_says(served):
    clf, X, port = served
    rows = [row.to_dict() for _, row in X.iloc[:40].iterrows()]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda row: ask(port, [row]), rows))
    assert answers[0]["classes"] == clf.classes_.tolist()
    said = np.concatenate([answer["probabilities"] for answer in answers])
    assert_allclose(said, clf.predict_proba(X.iloc[:40]), atol=1e-5)
    processes = {answer["process"] for answer in answers}
    assert 1 <= len(processes) <= N_WORKERS
    # a row of which one column is known, and all rows at once
    (label,) = ask(port, [{"alcohol": 13.0}])["predicted"]
    assert label in clf.classes_
    together = ask(port, rows)
    assert together["predicted"] == clf.predict(X.iloc[:40]).tolist()
    for wrong in ([], [{"colour": 1.0}], [{"alcohol": "strong"}]):
        with pytest.raises(urllib.error.HTTPError, match="422"):
            ask(port, wrong)
