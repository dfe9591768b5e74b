#!/usr/bin/env python3
"""SDXL's U-Net and VAE decoder in plain PyTorch, timed on a GPU: what Obscura's own times stand beside.

The networks have SDXL's exact layout (2,567,463,684 parameters in the U-Net) and random weights; times do not depend on
their values. Self-attention's q, k and v are one projection, the prompt's k and v another, images are channels-last:
what a PyTorch user does for speed. Modes:

  eager     op by op, as PyTorch runs by default
  graph     the same, captured as a CUDA graph: without the host's launches
  regional  torch.compile of each block, the whole captured as a CUDA graph: compiles in about a minute
  compile   torch.compile(mode="reduce-overhead") of the whole network: compiles for minutes

Prints one JSON object: medians of events on the device, in milliseconds.

    bench/peers/sdxl_torch.py --work unet vae --mode eager compile --batch 2 8
    bench/peers/sdxl_torch.py --tiny --device cpu      # a check of the script itself
"""

import argparse
import json
import math
import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn


class Attention(nn.Module):
    """Heads lie side by side; `context` is None for attention of the tokens to themselves."""

    def __init__(self, width, context_width, head_size):
        super().__init__()
        self.head_size, self.own = head_size, context_width is None
        self.q = nn.Linear(width, width * 3 if self.own else width, bias=False)
        self.kv = None if self.own else nn.Linear(context_width, width * 2, bias=False)
        self.out = nn.Linear(width, width)

    def forward(self, x, context=None):
        if self.own:
            q, k, v = self.q(x).chunk(3, dim=-1)
        else:
            q = self.q(x)
            k, v = self.kv(context).chunk(2, dim=-1)
        q, k, v = (t.unflatten(-1, (-1, self.head_size)).transpose(1, 2) for t in (q, k, v))
        return self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class TransformerBlock(nn.Module):
    def __init__(self, width, context_width, head_size):
        super().__init__()
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))
        self.attn1 = Attention(width, None, head_size)
        self.attn2 = Attention(width, context_width, head_size)
        self.gate = nn.Linear(width, 8 * width)
        self.out = nn.Linear(4 * width, width)

    def forward(self, x, context):
        x = x + self.attn1(self.norm1(x))
        x = x + self.attn2(self.norm2(x), context)
        value, gate = self.gate(self.norm3(x)).chunk(2, dim=-1)
        return x + self.out(value * F.gelu(gate))


class Transformer(nn.Module):
    def __init__(self, width, depth, context_width, head_size):
        super().__init__()
        self.norm = nn.GroupNorm(32, width, eps=1e-6)
        self.proj_in, self.proj_out = nn.Linear(width, width), nn.Linear(width, width)
        self.blocks = nn.ModuleList(TransformerBlock(width, context_width, head_size) for _ in range(depth))

    def forward(self, x, context):
        tokens = self.proj_in(self.norm(x).permute(0, 2, 3, 1).flatten(1, 2))
        for block in self.blocks:
            tokens = block(tokens, context)
        return x + self.proj_out(tokens).unflatten(1, x.shape[2:]).permute(0, 3, 1, 2)


class Residual(nn.Module):
    """Of the U-Net with `embedding`, of the VAE without."""

    def __init__(self, width, out, embedding=None, eps=1e-5):
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(32, width, eps=eps), nn.GroupNorm(32, out, eps=eps)
        self.conv1, self.conv2 = nn.Conv2d(width, out, 3, padding=1), nn.Conv2d(out, out, 3, padding=1)
        self.embedding = nn.Linear(embedding, out) if embedding else None
        self.shortcut = nn.Conv2d(width, out, 1) if width != out else nn.Identity()

    def forward(self, x, e=None):
        h = self.conv1(F.silu(self.norm1(x)))
        if self.embedding is not None:
            h = h + self.embedding(e)[:, :, None, None]
        return self.shortcut(x) + self.conv2(F.silu(self.norm2(h)))


class Upsample(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x):
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class Block(nn.Module):
    """One entry of input_blocks, middle_block or output_blocks."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x, e, context):
        for layer in self.layers:
            if isinstance(layer, Residual):
                x = layer(x, e)
            elif isinstance(layer, Transformer):
                x = layer(x, context)
            else:
                x = layer(x)
        return x


class UNet(nn.Module):
    def __init__(self, channels=320, depths=(0, 2, 10), context_width=2048, label_width=2816, head_size=64):
        super().__init__()
        self.channels = channels
        embedding = 4 * channels
        self.time = nn.Sequential(nn.Linear(channels, embedding), nn.SiLU(), nn.Linear(embedding, embedding))
        self.label = nn.Sequential(nn.Linear(label_width, embedding), nn.SiLU(), nn.Linear(embedding, embedding))

        def layers(width, out, depth):
            found = [Residual(width, out, embedding)]
            return found + ([Transformer(out, depth, context_width, head_size)] if depth else [])

        widths = [channels * 2**level for level in range(len(depths))]
        inputs, skips, width = [Block(nn.Conv2d(4, channels, 3, padding=1))], [channels], channels
        for level, (out, depth) in enumerate(zip(widths, depths)):
            for _ in range(2):
                inputs.append(Block(*layers(width, out, depth)))
                width = out
                skips.append(width)
            if level + 1 < len(depths):
                inputs.append(Block(nn.Conv2d(width, width, 3, stride=2, padding=1)))
                skips.append(width)
        self.inputs = nn.ModuleList(inputs)
        self.middle = Block(*layers(width, width, depths[-1]), Residual(width, width, embedding))
        outputs = []
        for level in reversed(range(len(depths))):
            for i in range(3):
                found = layers(width + skips.pop(), widths[level], depths[level])
                width = widths[level]
                outputs.append(Block(*found, *([Upsample(width)] if level > 0 and i == 2 else [])))
        self.outputs = nn.ModuleList(outputs)
        self.out = nn.Sequential(nn.GroupNorm(32, width), nn.SiLU(), nn.Conv2d(width, 4, 3, padding=1))

    def forward(self, x, timestep, context, label):
        half = self.channels // 2
        frequencies = torch.exp(-math.log(10000) / half * torch.arange(half, device=x.device, dtype=torch.float32))
        angles = timestep[:, None].float() * frequencies
        e = self.time(torch.cat([angles.cos(), angles.sin()], dim=-1).to(x.dtype))
        e = F.silu(e + self.label(label))
        skips = []
        for block in self.inputs:
            x = block(x, e, context)
            skips.append(x)
        x = self.middle(x, e, context)
        for block in self.outputs:
            x = block(torch.cat([x, skips.pop()], dim=1), e, context)
        return self.out(x)


class VaeAttention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.GroupNorm(32, width, eps=1e-6)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        tokens = self.norm(x).permute(0, 2, 3, 1).flatten(1, 2)
        q, k, v = (t.unsqueeze(1) for t in self.qkv(tokens).chunk(3, dim=-1))
        y = self.out(F.scaled_dot_product_attention(q, k, v).squeeze(1))
        return x + y.unflatten(1, x.shape[2:]).permute(0, 3, 1, 2)


class VaeDecoder(nn.Module):
    def __init__(self, channels=128, multiples=(1, 2, 4, 4)):
        super().__init__()
        width = channels * multiples[-1]
        layers = [nn.Conv2d(4, 4, 1), nn.Conv2d(4, width, 3, padding=1), Residual(width, width, eps=1e-6),
                  VaeAttention(width), Residual(width, width, eps=1e-6)]
        for level in reversed(range(len(multiples))):
            for _ in range(3):
                layers.append(Residual(width, channels * multiples[level], eps=1e-6))
                width = channels * multiples[level]
            if level > 0:
                layers.append(Upsample(width))
        layers += [nn.GroupNorm(32, width, eps=1e-6), nn.SiLU(), nn.Conv2d(width, 3, 3, padding=1)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)


def make_network(work, args, dtype):
    torch.set_default_device(args.device)
    torch.set_default_dtype(dtype)
    if work == "unet":
        network = UNet(64, (0, 1, 1), 96, 80, 32) if args.tiny else UNet()
    else:
        network = VaeDecoder(32, (1, 2, 2)) if args.tiny else VaeDecoder()
    network = network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
    parameters = sum(p.numel() for p in network.parameters())
    if work == "unet" and not args.tiny and parameters != 2_567_463_684:
        raise SystemExit(f"the U-Net has {parameters} parameters, SDXL's has 2567463684")
    return network, parameters


def make_inputs(work, batch, args):
    side = args.size // 8
    x = torch.randn(batch, 4, side, side).contiguous(memory_format=torch.channels_last)
    if work == "vae":
        return (x,)
    widths = (96, 80) if args.tiny else (2048, 2816)
    return x, torch.full((batch,), 500.0), torch.randn(batch, 77, widths[0]), torch.randn(batch, widths[1])


def captured(network, inputs):
    """A function that replays the network as one CUDA graph."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            network(*inputs)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = network(*inputs)

    def replay():
        graph.replay()
        return result

    return replay


def prepared(network, inputs, mode):
    if mode == "eager":
        return lambda: network(*inputs)
    if mode == "graph":
        return captured(network, inputs)
    torch._dynamo.reset()
    torch._dynamo.config.cache_size_limit = 64  # a block is compiled for every size it meets
    if mode == "regional":
        for module in network.modules():
            if isinstance(module, (Residual, TransformerBlock, Upsample)):
                module.compile(dynamic=False)
        return captured(network, inputs)
    whole = torch.compile(network, mode="reduce-overhead", dynamic=False)
    return lambda: whole(*inputs)


def measure(run, args):
    on_gpu = args.device != "cpu"
    for _ in range(args.warm_up):
        result = run()
    finite = bool(torch.isfinite(result.float()).all())
    times = []
    for _ in range(args.runs):
        if on_gpu:
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record()
            run()
            end.record()
            end.synchronize()
            times.append(begin.elapsed_time(end))
        else:
            begin = time.perf_counter()
            run()
            times.append((time.perf_counter() - begin) * 1e3)
    return {"median_ms": round(statistics.median(times), 3), "least_ms": round(min(times), 3),
            "most_ms": round(max(times), 3), "runs": len(times), "finite": finite}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", nargs="+", choices=["unet", "vae"], default=["unet", "vae"])
    parser.add_argument("--mode", nargs="+", choices=["eager", "graph", "regional", "compile"], default=["eager"])
    parser.add_argument("--compile", action="store_true", help="the same as adding the mode compile")
    parser.add_argument("--batch", nargs="+", type=int, default=[2], help="of the U-Net; the VAE decodes one")
    parser.add_argument("--size", type=int, help="side of the image in pixels (default 1024)")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--warm-up", type=int, default=5)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true", help="small networks of the same layout, small images")
    args = parser.parse_args()
    args.size = args.size or (64 if args.tiny else 1024)
    if args.compile and "compile" not in args.mode:
        args.mode.append("compile")
    if args.device == "cpu" and set(args.mode) - {"eager"}:
        parser.error("on the CPU there is only the mode eager")
    return args


def main():
    args = arguments()
    on_gpu = args.device != "cpu"
    report = {"torch": torch.__version__, "device": torch.cuda.get_device_name() if on_gpu else "cpu",
              "size": args.size, "results": []}
    if on_gpu:
        report["cudnn"] = torch.backends.cudnn.version()
        torch.backends.cudnn.benchmark = True
    with torch.inference_mode():
        for work in args.work:
            name, dtype = ("fp16", torch.float16) if work == "unet" else ("bf16", torch.bfloat16)
            if not on_gpu:
                name, dtype = "fp32", torch.float32
            network, parameters = make_network(work, args, dtype)
            # Regional last: it changes the blocks themselves.
            for mode in sorted(args.mode, key=["eager", "graph", "compile", "regional"].index):
                for batch in args.batch if work == "unet" else [1]:
                    inputs = make_inputs(work, batch, args)
                    if on_gpu:
                        torch.cuda.reset_peak_memory_stats()
                    begin = time.perf_counter()
                    run = prepared(network, inputs, mode)
                    result = {"work": work, "mode": mode, "batch": batch, "dtype": name, "parameters": parameters}
                    result.update(measure(run, args))
                    result["wall_s"] = round(time.perf_counter() - begin, 1)
                    if on_gpu:
                        result["peak_gib"] = round(torch.cuda.max_memory_allocated() / 2**30, 2)
                    print(json.dumps(result), file=sys.stderr, flush=True)
                    report["results"].append(result)
                    del run
            del network
            if on_gpu:
                torch.cuda.empty_cache()
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
