"""Pooling and dropout, for feature maps with channels last."""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import once_differentiable

from pdarts.nets.backends.triton.launches import apart, dense, even, feature_maps, pixels, power, share

PIXELS = 64
VALUES = 1024


def pooled(x: Tensor, largest: bool, size: int, stride: int) -> Tensor:
    """Take the maximum or mean of windows."""
    return _Pool.apply(even(x), largest, size, stride)


class _Pool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, largest: bool, size: int, stride: int) -> Tensor:
        _, channels, height, width = x.shape
        sizes = channels, height, width, share(height, stride), share(width, stride)
        ctx.shape = sizes[:3]
        ctx.constants = dict(zip(("C", "H", "W", "HO", "WO"), sizes, strict=True))
        ctx.constants |= {"K": size, "S": stride, "LARGEST": largest, "P": PIXELS, "B": power(channels, 1, 32)}
        out = feature_maps(x, channels, *sizes[3:])
        chosen = torch.empty_like(out, dtype=torch.uint8) if largest else out
        ctx.save_for_backward(*([chosen] if largest else []))
        grid = share(pixels(out), PIXELS), share(channels, ctx.constants["B"])
        pool[grid](x, out, chosen, pixels(out), X=apart(x), **ctx.constants)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        gradient = even(gradient)
        result = feature_maps(gradient, *ctx.shape)
        chosen = ctx.saved_tensors[0] if ctx.saved_tensors else gradient
        grid = share(pixels(result), PIXELS), share(result.shape[1], ctx.constants["B"])
        pool_backward[grid](gradient, chosen, result, pixels(result), G=apart(gradient), **ctx.constants)
        return result, None, None, None


@triton.jit(do_not_specialize=["M"])
def pool(x, out, chosen, M, X: tl.constexpr, C: tl.constexpr, H: tl.constexpr, W: tl.constexpr, HO: tl.constexpr,
         WO: tl.constexpr, K: tl.constexpr, S: tl.constexpr, LARGEST: tl.constexpr, P: tl.constexpr,
         B: tl.constexpr):  # fmt: skip
    """Pool windows; of equal values the first is chosen, and of values that are not numbers the last."""
    p, c = tl.program_id(0) * P + tl.arange(0, P), tl.program_id(1) * B + tl.arange(0, B)
    n, i, j = p // (HO * WO), p // WO % HO, p % WO
    total = tl.zeros((P, B), tl.float32)
    count = tl.zeros((P,), tl.int32)
    which = tl.zeros((P, B), tl.int32) + K * K
    for t in tl.static_range(K * K):
        y, z = i * S + t // K - K // 2, j * S + t % K - K // 2
        met = (p < M) & (y >= 0) & (y < H) & (z >= 0) & (z < W)
        inside = met[:, None] & (c < C)[None, :]
        value = tl.load(x + ((n * H + y) * W + z)[:, None] * X + c[None, :], mask=inside, other=0.0).to(tl.float32)
        if LARGEST:
            better = inside & ((value > total) | (value != value) | (which == K * K))
            total, which = tl.where(better, value, total), tl.where(better, t, which)
        else:
            total += value
            count += met.to(tl.int32)
    at, inside = p[:, None] * C + c[None, :], (p < M)[:, None] & (c < C)[None, :]
    if LARGEST:
        tl.store(chosen + at, which.to(tl.uint8), mask=inside)
    else:
        total /= tl.maximum(count, 1).to(tl.float32)[:, None]
    tl.store(out + at, total.to(out.dtype.element_ty), mask=inside)


@triton.jit(do_not_specialize=["M"])
def pool_backward(gradient, chosen, result, M, G: tl.constexpr, C: tl.constexpr, H: tl.constexpr, W: tl.constexpr,
                  HO: tl.constexpr, WO: tl.constexpr, K: tl.constexpr, S: tl.constexpr, LARGEST: tl.constexpr,
                  P: tl.constexpr, B: tl.constexpr):  # fmt: skip
    """Collect the gradients of all windows that meet a pixel."""
    p, c = tl.program_id(0) * P + tl.arange(0, P), tl.program_id(1) * B + tl.arange(0, B)
    n, i, j = p // (H * W), p // W % H, p % W
    total = tl.zeros((P, B), tl.float32)
    for t in tl.static_range(K * K):
        y, z = i + K // 2 - t // K, j + K // 2 - t % K
        met = (p < M) & (y >= 0) & (y < HO * S) & (z >= 0) & (z < WO * S) & (y % S == 0) & (z % S == 0)
        inside, q = met[:, None] & (c < C)[None, :], ((n * HO + y // S) * WO + z // S)[:, None]
        value = tl.load(gradient + q * G + c[None, :], mask=inside, other=0.0).to(tl.float32)
        if LARGEST:
            value = tl.where(tl.load(chosen + q * C + c[None, :], mask=inside, other=255) == t, value, 0.0)
        else:
            rows = tl.minimum(y + K // 2 + 1, H) - tl.maximum(y - K // 2, 0)
            columns = tl.minimum(z + K // 2 + 1, W) - tl.maximum(z - K // 2, 0)
            value /= tl.maximum(rows * columns, 1).to(tl.float32)[:, None]
        total += value
    at, inside = p[:, None] * C + c[None, :], (p < M)[:, None] & (c < C)[None, :]
    tl.store(result + at, total.to(result.dtype.element_ty), mask=inside)


def dropped(x: Tensor, rate: Tensor, seed: Tensor) -> Tensor:
    """Drop single values."""
    return _Dropout.apply(x, rate, seed)


class _Dropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, rate: Tensor, seed: Tensor) -> Tensor:
        ctx.save_for_backward(rate, seed)
        return _hashed(x, rate, seed)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return _hashed(gradient, *ctx.saved_tensors), None, None


def _hashed(x: Tensor, rate: Tensor, seed: Tensor) -> Tensor:
    x = dense(x)
    _, channels, height, width = x.shape
    out = feature_maps(x, channels, height, width)
    sizes = {"C": channels, "H": height, "W": width, "B": VALUES}
    drop[share(x.numel(), VALUES),](x, out, rate, seed, x.numel(), **sizes)
    return out


@triton.jit
def mix(number):
    """Mix 32 bits, as MurmurHash3 does."""
    number = (number ^ (number >> 16)) * 0x85EBCA6B
    number = (number ^ (number >> 13)) * 0xC2B2AE35
    return number ^ (number >> 16)


@triton.jit(do_not_specialize=["size"])
def drop(x, out, rates, seeds, size, C: tl.constexpr, H: tl.constexpr, W: tl.constexpr, B: tl.constexpr):
    """Zero values by a hash of the seed and of their index with channels first, and scale the others."""
    at = tl.program_id(0) * B + tl.arange(0, B)
    pixel = at // C
    index = (pixel // (H * W) * C + at % C) * (H * W) + pixel % (H * W)
    rate, seed = tl.load(rates), tl.load(seeds)
    low, high = seed.to(tl.uint32), (seed >> 32).to(tl.uint32)
    random = mix(mix(index.to(tl.uint32) ^ low) + high)
    limit = tl.ceil(rate * 4294967296.0 - 0.5).to(tl.int64)
    factor = tl.where(random.to(tl.int64) >= limit, (1.0 / (1.0 - rate)).to(tl.float32), 0.0)
    value = tl.load(x + at, mask=at < size, other=0.0).to(tl.float32) * factor
    tl.store(out + at, value.to(out.dtype.element_ty), mask=at < size)
