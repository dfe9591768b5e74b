"""Drives `obscura serve` by A1111's API for tests/cli/serve.sh: prints PASS or FAIL lines."""

import base64
import json
import pathlib
import subprocess
import sys
import threading
import time

from serve_client import OBSCURA, Server, test

ROOT = pathlib.Path(sys.argv[2])
PROMPT = "a photo of a glossy red bottle on marble"
SMALL = {"prompt": PROMPT, "width": 64, "height": 64, "steps": 2, "seed": 5, "sampler_name": "Euler a"}
server = Server("data")


def image_of(answer, index=0):
    data = base64.b64decode(answer["images"][index])
    assert data[:8] == b"\x89PNG\r\n\x1a\n", data[:8]
    return data


def size(png):
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


def a1111_makes_images_from_text():
    answer = server.post("/sdapi/v1/txt2img", {**SMALL, "batch_size": 2, "n_iter": 2})
    info = json.loads(answer["info"])
    assert len(answer["images"]) == 4 and info["all_seeds"] == [5, 6, 7, 8], info
    assert size(image_of(answer)) == (64, 64)
    assert "Seed: 5" in info["infotexts"][0] and PROMPT in info["infotexts"][0], info["infotexts"]
    assert answer["parameters"]["prompt"] == PROMPT
    single = server.post("/sdapi/v1/txt2img", {**SMALL, "seed": 7})
    read = server.post("/sdapi/v1/png-info", {"image": single["images"][0]})
    assert read["parameters"]["Seed"] == "7" and read["info"].startswith(PROMPT), read
    workflow = json.loads(read["items"]["prompt"])
    assert any(node["class_type"] == "KSampler" for node in workflow.values())


def a1111_enlarges():
    answer = server.post("/sdapi/v1/txt2img", {**SMALL, "enable_hr": True, "hr_scale": 2, "denoising_strength": 0.6})
    assert size(image_of(answer)) == (128, 128)
    big = server.post("/sdapi/v1/extra-single-image", {"image": answer["images"][0], "upscaling_resize": 2})
    assert size(base64.b64decode(big["image"])) == (256, 256)


def a1111_changes_images():
    image = (ROOT / "workflows/input/bottle.png").read_bytes()
    mask = (ROOT / "workflows/input/bottle_mask.png").read_bytes()
    start = base64.b64encode(image).decode()
    body = {**SMALL, "init_images": ["data:image/png;base64," + start], "denoising_strength": 0.6}
    for mode in (0, 1, 2):
        assert size(image_of(server.post("/sdapi/v1/img2img", {**body, "resize_mode": mode}))) == (64, 64)
    masked = {**body, "mask": base64.b64encode(mask).decode(), "inpainting_fill": 1, "inpaint_full_res": False}
    assert size(image_of(server.post("/sdapi/v1/img2img", masked))) == (64, 64)
    whole = server.post("/sdapi/v1/img2img", {**masked, "inpaint_full_res": True})
    assert size(image_of(whole)) == size(image), "only the masked part is made anew"
    filled = server.post("/sdapi/v1/img2img", {**masked, "inpainting_fill": 0})
    assert image_of(filled) != image_of(whole)
    assert answer_nulls(whole)


def answer_nulls(answer):
    return answer["parameters"]["init_images"] is None and answer["parameters"]["mask"] is None


def pixels(png):
    """The compressed image data, without what the file says besides."""
    data, at = b"", 8
    while at < len(png):
        length = int.from_bytes(png[at:at + 4], "big")
        if png[at + 4:at + 8] == b"IDAT":
            data += png[at + 8:at + 8 + length]
        at += 12 + length
    return data


def drawn(**more):
    return pixels(image_of(server.post("/sdapi/v1/txt2img", {**SMALL, **more})))


def newest_workflow():
    job = server.get("/api/v1/jobs?state=finished&limit=1")["jobs"][0]["id"]
    return [node["class_type"] for node in server.get("/api/v1/jobs/" + job)["workflow"].values()]


def a1111_varies_seeds():
    answer = server.post("/sdapi/v1/txt2img", {**SMALL, "subseed": 9, "subseed_strength": 0.4, "batch_size": 2, "n_iter": 2})
    info = json.loads(answer["info"])
    assert info["all_seeds"] == [5] * 4 and info["all_subseeds"] == [9, 10, 11, 12], info
    for said in (PROMPT, "Seed: 5", "Variation seed: 11", "Variation seed strength: 0.4", "CFG scale: 7"):
        assert said in info["infotexts"][2], info["infotexts"][2]
    made = [pixels(image_of(answer, i)) for i in range(4)]
    assert len(set(made)) == 4 and drawn() not in made
    assert drawn(subseed=11, subseed_strength=0.4) == made[2], "a variation alone is that of the batch"
    script = {"Seed": {"args": [5, True, 11, 0.4, 0, 0]}, "Refiner": {"args": [False, "", 0.8]}}
    assert drawn(alwayson_scripts=script) == made[2], "A1111's page sends it so"
    assert drawn(override_settings={"randn_source": "NV"}) not in (*made, drawn())


def a1111_has_styles():
    pathlib.Path("data/input/styles.csv").write_text(
        'name,prompt,negative_prompt\r\nOver the top,"{prompt}, golden hour",\r\nOnly night,night,studio light\r\n')
    assert server.get("/sdapi/v1/prompt-styles") == [
        {"name": "Over the top", "prompt": "{prompt}, golden hour", "negative_prompt": ""},
        {"name": "Only night", "prompt": "night", "negative_prompt": "studio light"}]
    styled = drawn(styles=["Over the top"])
    assert styled != drawn() and styled == drawn(prompt=PROMPT + ", golden hour")
    assert drawn(styles=["Only night"]) == drawn(prompt=PROMPT + ", night", negative_prompt="studio light")
    status, answer = server.ask("POST", "/sdapi/v1/txt2img", {**SMALL, "styles": ["None such"]})
    assert status == 422 and "None such" in answer["detail"], answer


def a1111_refines():
    model = server.get("/sdapi/v1/sd-models")[0]["title"]
    refined = drawn(refiner_checkpoint=model, refiner_switch_at=0.5, steps=4)
    assert "SplitSigmas" in newest_workflow(), "two samplers, one after another"
    assert refined != drawn(steps=2)
    drawn(refiner_checkpoint=model, refiner_switch_at=1, steps=4)
    assert "SplitSigmas" not in newest_workflow()
    drawn(refiner_checkpoint=model, refiner_switch_at=0.5, steps=6, enable_hr=True, hr_scale=1.5,
          denoising_strength=0.6)
    assert newest_workflow().count("SplitSigmas") == 1, "the hires fix alone"
    status, answer = server.ask("POST", "/sdapi/v1/txt2img", {**SMALL, "refiner_checkpoint": "none.safetensors"})
    assert status == 422 and "none.safetensors" in answer["detail"], answer


def a1111_fills_what_is_masked():
    image, mask = ((ROOT / "workflows/input" / name).read_bytes() for name in ("bottle.png", "bottle_mask.png"))
    body = {**SMALL, "init_images": [base64.b64encode(image).decode()], "mask": base64.b64encode(mask).decode(),
            "denoising_strength": 0.5, "inpaint_full_res": False}
    made = []
    for fill in range(4):
        made.append(pixels(image_of(server.post("/sdapi/v1/img2img", {**body, "inpainting_fill": fill}))))
        nodes = newest_workflow()
        assert ("LatentCompositeMasked" in nodes) == (fill >= 2) and ("AddNoise" in nodes) == (fill == 2), nodes
    assert len(set(made)) == 4


def a1111_enlarges_many():
    made = server.post("/sdapi/v1/txt2img", {**SMALL, "batch_size": 2})["images"]
    body = {"upscaling_resize": 2, "upscaler_1": "Lanczos"}
    answer = server.post("/sdapi/v1/extra-batch-images",
                         {**body, "imageList": [{"data": data, "name": "a.png"} for data in made]})
    assert [size(image_of(answer, i)) for i in range(2)] == [(128, 128)] * 2
    one = lambda **more: pixels(base64.b64decode(server.post("/sdapi/v1/extra-single-image",
                                                             {**body, "image": made[0], **more})["image"]))
    mixed = one(upscaler_2="Nearest", extras_upscaler_2_visibility=0.5)
    assert mixed not in (one(), one(upscaler_1="Nearest")) and one(upscaler_2="Nearest") == one()
    assert pixels(image_of(answer)) == one()


def a1111_lists_what_there_is():
    assert any(s["name"] == "Euler a" for s in server.get("/sdapi/v1/samplers"))
    assert any(s["name"] == "karras" for s in server.get("/sdapi/v1/schedulers"))
    model = server.get("/sdapi/v1/sd-models")[0]
    server.post("/sdapi/v1/options", {"sd_model_checkpoint": model["title"]})
    assert server.get("/sdapi/v1/options")["sd_model_checkpoint"] == model["title"]
    for name in ("loras", "upscalers", "latent-upscale-modes", "embeddings", "scripts", "sd-vae", "memory", "cmd-flags",
                 "script-info"):
        server.get("/sdapi/v1/" + name)


def a1111_refuses_by_name():
    for field, value in (("restore_faces", True), ("sampler_name", "Magic"), ("steps", 0), ("prompt", 7),
                         ("tiling", True), ("alwayson_scripts", {"x": {"args": [1]}}), ("script_name", "X"),
                         ("subseed_strength", 2), ("seed_resize_from_w", 512), ("s_churn", 0.5)):
        status, answer = server.ask("POST", "/sdapi/v1/txt2img", {**SMALL, field: value})
        assert status == 422 and field in answer["detail"], f"{field}: {status} {answer}"
    status, answer = server.ask("POST", "/sdapi/v1/txt2img", {**SMALL, "prompt": "a <lora:none:1>"})
    assert status == 422 and "none" in answer["detail"], answer
    status, answer = server.ask("POST", "/sdapi/v1/img2img", {**SMALL, "init_images": ["http://127.0.0.1/a.png"]})
    assert status == 422 and "fetches nothing" in answer["detail"], answer


def a1111_shows_progress_and_stops():
    answers = []
    body = {**SMALL, "steps": 3000, "width": 256, "height": 256}
    thread = threading.Thread(target=lambda: answers.append(server.ask("POST", "/sdapi/v1/txt2img", body)))
    thread.start()
    for _ in range(600):
        progress = server.get("/sdapi/v1/progress")
        if progress["state"]["sampling_steps"] == 3000 and progress["progress"] > 0:
            break
        time.sleep(0.05)
    assert progress["state"]["sampling_steps"] == 3000, progress
    server.post("/sdapi/v1/interrupt", {})
    thread.join(60)
    assert answers and answers[0][0] == 200 and answers[0][1]["images"] == [], answers


def history_holds_their_workflows():
    jobs = server.get("/api/v1/jobs?state=finished&limit=1000")["jobs"]
    mine = [job for job in jobs if job["source"] == "a1111"]
    assert mine and PROMPT in mine[-1]["title"], jobs
    assert "KSampler" in json.dumps(server.get("/api/v1/jobs/" + mine[-1]["id"])["workflow"])


def starts_at_once():
    # 0.3 s is promised on an idle machine; tests share theirs.
    assert server.seconds_to_listen < 10, server.seconds_to_listen


def refuses_a_damaged_database():
    pathlib.Path("damaged").mkdir()
    pathlib.Path("damaged/obscura.db").write_text("not a database at all, whatever it is called")
    done = subprocess.run([OBSCURA, "serve", "--data", "damaged", "--listen", "127.0.0.1:0"], capture_output=True,
                          text=True, timeout=60)
    assert done.returncode != 0 and "damaged/obscura.db" in done.stderr, done


def refuses_strangers_networks():
    for options in (["--listen", "0.0.0.0:0"], ["--listen", "0.0.0.0:0", "--token", "x"],
                    ["--listen", "0.0.0.0:0", "--insecure"]):
        done = subprocess.run([OBSCURA, "serve", "--data", "open", *options], capture_output=True, text=True, timeout=60)
        assert done.returncode == 2, done


for each in (starts_at_once, a1111_makes_images_from_text, a1111_enlarges, a1111_changes_images,
             a1111_varies_seeds, a1111_has_styles, a1111_refines, a1111_fills_what_is_masked, a1111_enlarges_many,
             a1111_lists_what_there_is, a1111_refuses_by_name, a1111_shows_progress_and_stops,
             history_holds_their_workflows):
    test(each)
server.end()
for each in (refuses_a_damaged_database, refuses_strangers_networks):
    test(each)
