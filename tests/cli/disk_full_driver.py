"""Fills the disk under `obscura serve`, for tests/cli/disk_full.sh: `disk` is a file system of 3 MiB."""

import json
import os
import pathlib
import sys
import time

from serve_client import Server, test

ROOT, DATA = pathlib.Path(sys.argv[2]), pathlib.Path("disk/data")
server = Server(str(DATA))
WORKFLOW = json.loads((ROOT / "workflows/product_shot.json").read_text())
IMAGE = (ROOT / "workflows/input/bottle.png").read_bytes()


def submit(seed):
    for node in WORKFLOW.values():
        if node["class_type"] == "KSampler":
            node["inputs"].update(steps=1, seed=seed)
    return server.ask("POST", "/prompt", {"prompt": WORKFLOW})


def when_done(job, seconds=20):
    """The job once it is over, or as it is then."""
    end = time.monotonic() + seconds
    while (found := server.get("/api/v1/jobs/" + job))["state"] in ("queued", "running") and time.monotonic() < end:
        time.sleep(0.02)
    return found


def log_says(text):
    return text in pathlib.Path("serve.log").read_text()


def upload(name):
    body = (b"--B\r\nContent-Disposition: form-data; name=\"image\"; filename=\"" + name.encode() +
            b"\"\r\nContent-Type: image/png\r\n\r\n" + IMAGE + os.urandom(100_000) + b"\r\n--B--\r\n")
    return server.ask("POST", "/upload/image", body, headers={"Content-Type": "multipart/form-data; boundary=B"})


def says_that_the_disk_is_full():
    first = submit(1)[1]["prompt_id"]
    assert when_done(first)["state"] == "done"
    for number in range(100):
        status, answer = upload(f"{number}.png")
        if status != 200:
            break
    assert status == 507 and "is full" in answer["error"], (status, answer)
    status, answer = server.ask("PUT", "/api/v1/models/loras/a.safetensors", os.urandom(200_000))
    assert status == 507, (status, answer)
    for seed in range(2, 60):
        status, answer = submit(seed)
        if status != 200:  # not even the job has room
            assert status == 507 and "is full" in answer["error"], (status, answer)
            return
        job = when_done(answer["prompt_id"], 5)
        if job["state"] == "failed":
            assert "No space left" in job["error"], job["error"]
            return
        if job["state"] == "running":  # its end cannot be recorded
            assert log_says("is not recorded") and log_says("the disk is full"), job
            return
    raise AssertionError("the disk did not fill up")


def keeps_what_was_there():
    history = server.get("/history")
    assert history
    result = server.get("/api/v1/results?limit=1000")["results"][-1]
    assert server.get(result["url"])[:4] == b"\x89PNG"


def leaves_nothing_half_written():
    for path in filter(pathlib.Path.is_file, DATA.rglob("*")):
        assert ".obscura-tmp-" not in path.name, path
        if path.suffix == ".png" and path.parent.name != "input":
            assert path.read_bytes()[-8:-4] == b"IEND", path


def goes_on_when_there_is_room():
    for path in (DATA / "input").iterdir():
        path.unlink()
    for _ in range(400):  # what waited, or could not be recorded, comes first
        if (remaining := server.get("/prompt")["exec_info"]["queue_remaining"]) == 0:
            break
        time.sleep(0.05)
    assert remaining == 0, remaining
    status, answer = submit(1000)
    assert status == 200, (status, answer)
    assert when_done(answer["prompt_id"])["state"] == "done"
    results = server.get("/api/v1/results?limit=1000")["results"]
    for result in results:  # also those whose thumbnail had no room
        assert server.get(result["thumbnail_url"])[8:12] == b"WEBP", result
    ids = [job["id"] for job in server.get("/api/v1/jobs?state=finished&limit=1000")["jobs"]]
    assert len(set(ids)) == len(ids)


for each in (says_that_the_disk_is_full, keeps_what_was_there, leaves_nothing_half_written, goes_on_when_there_is_room):
    test(each)
server.end()
