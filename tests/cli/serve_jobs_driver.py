"""Drives `obscura serve` by ComfyUI's API and our own for tests/cli/serve_jobs.sh: prints PASS or FAIL lines.

usage: serve_jobs_driver.py OBSCURA ROOT [TEST]…     in an empty folder; 200 kills: OBSCURA_KILLS=200 … survives_kills
"""

import hashlib
import json
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.parse

from serve_client import Server, test

ROOT = pathlib.Path(sys.argv[2])
server = Server("data")


def when_done(job):
    while (found := server.get("/api/v1/jobs/" + job))["state"] in ("queued", "running"):
        time.sleep(0.02)
    return found


def upload_images():
    for path in (ROOT / "workflows/input").glob("*.png"):
        form = (b"--B\r\nContent-Disposition: form-data; name=\"image\"; filename=\"" + path.name.encode() +
                b"\"\r\nContent-Type: image/png\r\n\r\n" + path.read_bytes() + b"\r\n--B--\r\n")
        status, answer = server.ask("POST", "/upload/image", form,
                                    headers={"Content-Type": "multipart/form-data; boundary=B"})
        assert status == 200 and answer["name"] == path.name, answer


def runs_users_workflows():
    """As people write them, unchanged: the API form by ComfyUI's route and by ours, the editor form by ours."""
    upload_images()
    files = sorted((ROOT / "tests/nodes/user_workflows").glob("*.json"))
    assert len(files) >= 20, files
    for path in files:
        workflow = json.loads(path.read_text())
        jobs = [server.post("/api/v1/jobs", {"workflow": workflow})["job"]["id"]]
        if path.name.startswith("api_"):
            body = workflow if "prompt" in workflow else {"prompt": workflow}
            jobs.append(server.post("/prompt", body)["prompt_id"])
        for job in jobs:
            found = when_done(job)
            images = [image for ui in found["outputs"].values() for image in ui.get("images", [])]
            assert found["state"] == "done" and images, f"{path.name}: {found}"
            for image in images:
                assert server.get("/view?" + urllib.parse.urlencode(image))[:4] == b"\x89PNG", image


def imports_a_model():
    """The program's own model as a file of another name, then as one of a project."""
    model = subprocess.run(["xz", "-dc", str(ROOT / "models/pocket/pocket-xl-base.safetensors.xz")],
                           capture_output=True, check=True).stdout
    status, answer = server.ask("PUT", "/api/v1/models/checkpoints/mine%2Fpocket.safetensors", model)
    assert status == 201 and answer["title"] == "SDXL base", (status, answer)
    workflow = json.loads((ROOT / "tests/nodes/user_workflows/api_default.json").read_text())
    for node in workflow.values():
        if node["class_type"] == "CheckpointLoaderSimple":
            node["inputs"]["ckpt_name"] = "mine/pocket.safetensors"
    found = when_done(server.post("/prompt", {"prompt": workflow})["prompt_id"])
    assert found["state"] == "done", found
    status, answer = server.ask("PUT", "/api/v1/models/loras/pocket.safetensors", model)
    assert status == 422 and "pocket.safetensors" in answer["error"], (status, answer)
    status, answer = server.ask("PUT", "/api/v1/models/checkpoints/cut.safetensors", model[:-1])
    assert status == 422 and "cut.safetensors" in answer["error"], (status, answer)
    lora = (ROOT / "workflows/models/loras/warm_light.safetensors").read_bytes()
    status, answer = server.ask("PUT", "/api/v1/models/loras/warm_light.safetensors", lora)
    assert status == 201 and answer["title"].startswith("LoRA"), (status, answer)


def plans_memory():
    """A job that waits shows the memory that it will need, and one that is done what it held."""
    workflow = json.loads((ROOT / "tests/nodes/user_workflows/api_default.json").read_text())
    # A seed that no job before had: what comes from the cache of results holds nothing.
    next(node for node in workflow.values() if node["class_type"] == "KSampler")["inputs"]["seed"] = 20261201
    job = server.post("/api/v1/jobs", {"workflow": workflow, "held": True})["job"]["id"]
    while not (found := server.get("/api/v1/jobs/" + job))["planned_bytes"]:
        time.sleep(0.02)
    assert 1 << 20 < found["planned_bytes"] < found["budget_bytes"], found
    server.post(f"/api/v1/jobs/{job}/resume", {})
    assert when_done(job)["peak_bytes"] >= 1 << 20


def refuses_unknown_nodes_by_name():
    workflow = {"1": {"class_type": "KSampler (Efficient)", "inputs": {}},
                "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}}}
    status, answer = server.ask("POST", "/prompt", {"prompt": workflow})
    said = answer["error"]["message"]
    assert status == 400 and said == "no node type 'KSampler (Efficient)'; the nearest is 'KSampler'", answer


def results_have_thumbnails():
    workflow = json.loads((ROOT / "workflows/product_shot.json").read_text())
    for node in workflow.values():
        if node["class_type"] == "KSampler":
            node["inputs"]["steps"] = 1
    job = server.post("/api/v1/jobs", {"workflow": workflow})["job"]["id"]
    found = when_done(job)
    assert found["state"] == "done", found
    result = found["results"][0]
    assert server.get(result["url"])[:4] == b"\x89PNG"
    assert server.get(result["thumbnail_url"])[8:12] == b"WEBP"
    audit = server.get("/api/v1/audit?limit=1")["entries"][0]
    assert audit["action"] == "job.done" and len(list(audit["detail"]["models"].values())[0]) == 64, audit


def wait_for_an_image(folder, seconds):
    """Until a file comes to the folder: a result is being written and recorded."""
    before, end = set(folder.glob("*")), time.monotonic() + seconds
    while time.monotonic() < end and set(folder.glob("*")) == before:
        time.sleep(0.001)


def survives_kills():
    """kill -9 at random moments under load, half of them while a result is written: no job lost, none done twice, no
    torn file. OBSCURA_KILLS says how many."""
    kills = int(os.environ.get("OBSCURA_KILLS", "6"))
    chance = random.Random(20261123)
    workflow = json.loads((ROOT / "workflows/product_shot.json").read_text())
    submitted = []
    for kill in range(kills):
        one = Server("killed")
        stop = threading.Event()

        def load():
            while not stop.is_set():
                for node in workflow.values():
                    if node["class_type"] == "KSampler":
                        node["inputs"].update(steps=1, seed=len(submitted))
                    if node["class_type"] == "EmptyLatentImage":
                        node["inputs"].update(width=64, height=64)
                try:
                    status, answer = one.ask("POST", "/prompt", {"prompt": workflow}, 5)
                    if status == 200:
                        submitted.append(answer["prompt_id"])
                except (OSError, ValueError):
                    return
                stop.wait(0.1)

        thread = threading.Thread(target=load)
        thread.start()
        if kill % 2:
            time.sleep(chance.uniform(0.05, 1.5))
        else:
            wait_for_an_image(pathlib.Path("killed/output"), 3)
            time.sleep(chance.uniform(0, 0.03))
        one.end(signal.SIGKILL)
        stop.set()
        thread.join()
    last = Server("killed")
    for _ in range(3000):
        if last.get("/prompt")["exec_info"]["queue_remaining"] == 0:
            break
        time.sleep(0.1)
    history = last.get("/history")
    lost = [job for job in submitted if job not in history]
    assert submitted and not lost, f"{len(lost)} of {len(submitted)} jobs are lost"
    failed = [job for job in history.values() if job["status"]["status_str"] != "success"]
    # Only a job that ran at three kills may be given up.
    assert all("each time" in json.dumps(job) for job in failed), failed[:1]
    pages = lambda path: [last.get(f"{path}limit=1000&offset={at}") for at in range(0, len(history) + 1, 1000)]
    listed = [job["id"] for page in pages("/api/v1/jobs?state=finished&") for job in page["jobs"]]
    assert sorted(listed) == sorted(history), "the list and the history differ"
    results = [result for page in pages("/api/v1/results?") for result in page["results"]]
    assert sorted(result["job"] for result in results) == sorted(set(history) - {
        id for id, job in history.items() if job in failed}), "each job that was done has one result"
    for result in results:
        digest = hashlib.sha256(last.get(result["url"])).hexdigest()
        assert digest == result["digest"], f"result {result['id']} is not what it was"
    for folder in ("output", "results"):
        for path in filter(pathlib.Path.is_file, pathlib.Path("killed", folder).rglob("*")):
            assert path.suffix in (".png", ".webp"), f"{path} is left over"
            assert path.suffix == ".webp" or path.read_bytes()[-8:-4] == b"IEND", f"{path} is torn"
    last.end()
    with sqlite3.connect("killed/obscura.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    print(f"{kills} kills, {len(submitted)} jobs, {len(failed)} given up", file=sys.stderr)


chosen = sys.argv[3:]  # none: all
for each in (results_have_thumbnails, runs_users_workflows, imports_a_model, plans_memory, refuses_unknown_nodes_by_name,
             survives_kills):
    if not chosen or each.__name__ in chosen:
        test(each)
server.end()
