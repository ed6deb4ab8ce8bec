"""Kernels of units and of a node's sum, for feature maps whose channels lie next to each other.

Several units of one shape are one launch: kernels take a tuple with a tensor for each of them. No kernel adds to what
another program writes: blocks write partial sums, which one program adds up in a fixed order, so that all results
repeat to the last bit. Programs that read the same pixels are neighbours.

Names of sizes: M pixels of all images; C channels; P pixels, B channels and R rows of a block; G values from one pixel
of a gradient to the next; HW pixels of an image.
"""

from typing import NamedTuple

import triton
import triton.language as tl

SIZES = ["M", "tiles", "blocks", "first", "parts", "scaled", "count", "size"]
"""Arguments that differ between a full and a last batch, or between nodes, and compile nothing anew."""
FLAGS = ["keeps", "adds", "norms", "batch", "affine"]
"""Arguments with a bit for each unit."""


class Shape(NamedTuple):
    """Sizes of a unit, and of the blocks in which it is computed."""

    X: int
    """Values from one pixel of its input to the next."""
    C: int
    """Channels of its input."""
    H: int
    W: int
    CO: int
    """Channels of its output."""
    HO: int
    WO: int
    K: int
    """Size of the depthwise convolution; 1 without one."""
    S: int
    """Stride."""
    D: int
    """Dilation."""
    depthwise: bool
    """Whether it has a depthwise convolution."""
    inner: bool
    """Whether its input is that of another unit's BatchNorm."""
    P: int
    """Pixels of a block."""
    BC: int
    """Channels of the input in a block."""
    BO: int
    """Channels of the output in a block."""
    precision: str
    """Of dot products."""


@triton.jit
def pick(tensors, index):
    """Choose a tensor by a number that is known when the kernel runs."""
    chosen = tensors[0]
    for i in tl.static_range(1, len(tensors)):
        if index == i:
            chosen = tensors[i]
    return chosen


@triton.jit
def has(flags, index):
    """Tell whether the bit of a unit is set."""
    return (flags >> index) & 1 != 0


@triton.jit
def rows_of(p, M, kept, keeps, HW: tl.constexpr):
    """Load drop path's factors of pixels, 1 where there are none."""
    return tl.load(kept + p // HW, mask=(p < M) & keeps, other=1.0)


@triton.jit
def load_norm(norm, c, present, C: tl.constexpr):
    """Load mean, factor and bias of a BatchNorm's channels, or those that change nothing."""
    mean = tl.load(norm + c, mask=(c < C) & present, other=0.0)
    factor = tl.load(norm + 2 * C + c, mask=(c < C) & present, other=1.0)
    return mean[None, :], factor[None, :], tl.load(norm + 3 * C + c, mask=(c < C) & present, other=0.0)[None, :]


@triton.jit
def depth(x, norm, weight, p, c, M, s: tl.constexpr):
    """Compute ReLU and the depthwise convolution, for output pixels `p` and channels `c`."""
    n, i, j = p // (s.HO * s.WO), p // s.WO % s.HO, p % s.WO
    y, z = i * s.S - s.D * (s.K - 1) // 2, j * s.S - s.D * (s.K - 1) // 2
    at, channels = x + (((n * s.H + y) * s.W + z) * s.X)[:, None] + c[None, :], (c < s.C)[None, :]
    mean, factor, bias = load_norm(norm, c, s.inner, s.C)
    total = tl.zeros((s.P, s.BC), tl.float32)
    for row in range(s.K):
        of_row = (p < M) & (y >= -row * s.D) & (y < s.H - row * s.D)
        for column in tl.static_range(s.K):
            inside = (of_row & (z >= -column * s.D) & (z < s.W - column * s.D))[:, None] & channels
            value = tl.load(at + (row * s.W + column) * s.D * s.X, mask=inside, other=0.0).to(tl.float32)
            if s.inner:
                value = tl.where(inside, (value - mean) * factor + bias, 0.0)
            value = tl.maximum(value, 0.0, propagate_nan=tl.PropagateNan.ALL)
            if s.depthwise:
                tap = weight + c * s.K * s.K + row * s.K + column
                value *= tl.load(tap, mask=c < s.C, other=0.0)[None, :]
            total += value
    return total


@triton.jit
def store_moments(value, inside, moments, block, c, M, C: tl.constexpr, P: tl.constexpr):
    """Store mean and sum of squared deviations of a block, for each channel."""
    mean = tl.sum(tl.where(inside, value, 0.0), 0) / tl.minimum(P, M - block * P)
    apart = tl.where(inside, value - mean[None, :], 0.0)
    tl.store(moments + 2 * block * C + c, mean, mask=c < C)
    tl.store(moments + (2 * block + 1) * C + c, tl.sum(apart * apart, 0), mask=c < C)


@triton.jit(do_not_specialize=SIZES)
def convolve(
    xs, norms, depthwise, pointwise, products, moments, M, s: tl.constexpr, MOMENTS: tl.constexpr
):  # fmt: skip
    """Compute a unit up to BatchNorm's input, and the moments of each block."""
    columns: tl.constexpr = (s.CO + s.BO - 1) // s.BO
    block, column, unit = tl.program_id(0) // columns, tl.program_id(0) % columns, tl.program_id(2)
    x, norm, weight = pick(xs, unit), pick(norms, unit), pick(depthwise, unit)
    dense, product = pick(pointwise, unit), pick(products, unit)
    p, co = block * s.P + tl.arange(0, s.P), column * s.BO + tl.arange(0, s.BO)
    total = tl.zeros((s.P, s.BO), tl.float32)
    for start in range(0, s.C, s.BC):
        c = start + tl.arange(0, s.BC)
        of_dense = (co < s.CO)[None, :] & (c < s.C)[:, None]
        weights = tl.load(dense + co[None, :] * s.C + c[:, None], mask=of_dense, other=0.0)
        total = tl.dot(depth(x, norm, weight, p, c, M, s), weights, total, input_precision=s.precision)
    inside = (p < M)[:, None] & (co < s.CO)[None, :]
    stored = total.to(product.dtype.element_ty)
    tl.store(product + p[:, None] * s.CO + co[None, :], stored, mask=inside)
    if MOMENTS:
        store_moments(stored.to(tl.float32), inside, pick(moments, unit), block, co, M, s.CO, s.P)


@triton.jit(do_not_specialize=SIZES)
def measure(values, moments, M, C: tl.constexpr, P: tl.constexpr, B: tl.constexpr):
    """Compute the moments of each block of feature maps."""
    block, unit = tl.program_id(0), tl.program_id(2)
    p, c = block * P + tl.arange(0, P), tl.program_id(1) * B + tl.arange(0, B)
    inside = (p < M)[:, None] & (c < C)[None, :]
    value = tl.load(pick(values, unit) + p[:, None] * C + c[None, :], mask=inside, other=0.0).to(tl.float32)
    store_moments(value, inside, pick(moments, unit), block, c, M, C, P)


@triton.jit(do_not_specialize=SIZES + FLAGS)
def normalize(moments, means, variances, weights, biases, norms, batch, affine, M, blocks, MOMENTUM: tl.constexpr,
              EPSILON: tl.constexpr, C: tl.constexpr, P: tl.constexpr, B: tl.constexpr, R: tl.constexpr):  # fmt: skip
    """Compute BatchNorm's constants, shape (4, C): mean, 1 / deviation, factor, bias; update running statistics.

    Moments of blocks are combined as in Chan et al. 1983 (The American Statistician 37).
    """
    unit, c = tl.program_id(2), tl.program_id(1) * B + tl.arange(0, B)
    means_at, variances_at, norm = pick(means, unit) + c, pick(variances, unit) + c, pick(norms, unit) + c
    mean, variance = tl.load(means_at, mask=c < C, other=0.0), tl.load(variances_at, mask=c < C, other=1.0)
    if has(batch, unit):
        of_blocks, rows = pick(moments, unit) + c[None, :], tl.arange(0, R)
        total = tl.zeros((R, B), tl.float32)
        for start in range(0, blocks, R):
            block = (start + rows)[:, None]
            part = tl.load(of_blocks + 2 * block * C, mask=(block < blocks) & (c < C)[None, :], other=0.0)
            total += part * tl.minimum(P, M - block * P)
        of_batch, squares = tl.sum(total, 0) / M, tl.zeros((R, B), tl.float32)
        for start in range(0, blocks, R):
            block = (start + rows)[:, None]
            inside = (block < blocks) & (c < C)[None, :]
            apart = tl.load(of_blocks + 2 * block * C, mask=inside, other=0.0) - of_batch[None, :]
            within = tl.load(of_blocks + (2 * block + 1) * C, mask=inside, other=0.0)
            squares += tl.where(inside, within + apart * apart * tl.minimum(P, M - block * P), 0.0)
        square = tl.sum(squares, 0)
        tl.store(means_at, mean + MOMENTUM * (of_batch - mean), mask=c < C)
        tl.store(variances_at, variance + MOMENTUM * (square / (M - 1) - variance), mask=c < C)
        mean, variance = of_batch, square / M
    inverse, changes = 1 / tl.sqrt_rn(variance + EPSILON), has(affine, unit)
    weight = tl.load(pick(weights, unit) + c, mask=(c < C) & changes, other=1.0)
    bias = tl.load(pick(biases, unit) + c, mask=(c < C) & changes, other=0.0)
    tl.store(norm, mean, mask=c < C)
    tl.store(norm + C, inverse, mask=c < C)
    tl.store(norm + 2 * C, inverse * weight, mask=c < C)
    tl.store(norm + 3 * C, bias, mask=c < C)


@triton.jit(do_not_specialize=SIZES + FLAGS)
def combine(values, constants, kept, norms, keeps, first, parts, out, scales, scaled, M, HW: tl.constexpr,
            C: tl.constexpr, P: tl.constexpr, B: tl.constexpr):  # fmt: skip
    """Normalize, scale and sum the parts of a node, behind the first of them also what earlier launches summed."""
    p, c = tl.program_id(0) * P + tl.arange(0, P), tl.program_id(1) * B + tl.arange(0, B)
    inside = (p < M)[:, None] & (c < C)[None, :]
    at = p[:, None] * C + c[None, :]
    total = tl.load(out + at, mask=inside & (first > 0), other=0.0).to(tl.float32)
    for i in range(parts):
        mean, factor, bias = load_norm(pick(constants, i), c, has(norms, i), C)
        value = tl.load(pick(values, i) + at, mask=inside, other=0.0).to(tl.float32)
        value = (value - mean) * factor + bias
        scale = tl.load(scales + first + i, mask=first + i < scaled, other=1.0)
        total += value * (scale * rows_of(p, M, pick(kept, i), has(keeps, i), HW))[:, None]
    tl.store(out + at, total.to(out.dtype.element_ty), mask=inside)


@triton.jit
def store_sums(gradient, value, norm, with_norm, sums, block, c, C: tl.constexpr):
    """Store the sums of a block's gradient, alone and times the normalized value, for each channel."""
    mean = tl.load(norm + c, mask=(c < C) & with_norm, other=0.0)
    inverse = tl.load(norm + C + c, mask=(c < C) & with_norm, other=1.0)
    tl.store(sums + 2 * block * C + c, tl.sum(gradient, 0), mask=c < C)
    normalized = (value - mean[None, :]) * inverse[None, :]
    tl.store(sums + (2 * block + 1) * C + c, tl.sum(gradient * normalized, 0), mask=c < C)


@triton.jit(do_not_specialize=SIZES + FLAGS)
def sum_gradients(values, constants, kept, sums, norms, keeps, gradient, M, G: tl.constexpr, HW: tl.constexpr,
                  C: tl.constexpr, P: tl.constexpr, B: tl.constexpr):  # fmt: skip
    """Compute for each block what the gradients of BatchNorm and of the scale need."""
    block, unit = tl.program_id(0), tl.program_id(2)
    p, c = block * P + tl.arange(0, P), tl.program_id(1) * B + tl.arange(0, B)
    inside = (p < M)[:, None] & (c < C)[None, :]
    incoming = tl.load(gradient + p[:, None] * G + c[None, :], mask=inside, other=0.0).to(tl.float32)
    incoming *= rows_of(p, M, pick(kept, unit), has(keeps, unit), HW)[:, None]
    value = tl.load(pick(values, unit) + p[:, None] * C + c[None, :], mask=inside, other=0.0).to(tl.float32)
    store_sums(incoming, value, pick(constants, unit), has(norms, unit), pick(sums, unit), block, c, C)


@triton.jit(do_not_specialize=SIZES + FLAGS)
def settle(sums, constants, changes, norms, batch, first, scales, scaled, M, blocks, C: tl.constexpr, B: tl.constexpr,
           R: tl.constexpr):  # fmt: skip
    """Compute what turns a part's gradient into that of BatchNorm's input, shape (6, C).

    The rows are mean, factor, the mean of the gradient, the slope over the value, and the gradients of BatchNorm's bias
    and weight before they are scaled.
    """
    unit, c = tl.program_id(2), tl.program_id(1) * B + tl.arange(0, B)
    of_blocks, rows = pick(sums, unit) + c[None, :], tl.arange(0, R)
    plain, weighed = tl.zeros((R, B), tl.float32), tl.zeros((R, B), tl.float32)
    for start in range(0, blocks, R):
        block = (start + rows)[:, None]
        inside = (block < blocks) & (c < C)[None, :]
        plain += tl.load(of_blocks + 2 * block * C, mask=inside, other=0.0)
        weighed += tl.load(of_blocks + (2 * block + 1) * C, mask=inside, other=0.0)
    bias, weight = tl.sum(plain, 0), tl.sum(weighed, 0)
    with_norm = (c < C) & has(norms, unit)
    norm, change = pick(constants, unit) + c, pick(changes, unit) + c
    inverse = tl.load(norm + C, mask=with_norm, other=1.0)
    scale = tl.load(scales + first + unit, mask=first + unit < scaled, other=1.0)
    tl.store(change, tl.load(norm, mask=with_norm, other=0.0), mask=c < C)
    tl.store(change + C, scale * tl.load(norm + 2 * C, mask=with_norm, other=1.0), mask=c < C)
    tl.store(change + 2 * C, tl.where(has(batch, unit), bias / M, 0.0), mask=c < C)
    tl.store(change + 3 * C, tl.where(has(batch, unit), weight * inverse / M, 0.0), mask=c < C)
    tl.store(change + 4 * C, bias, mask=c < C)
    tl.store(change + 5 * C, weight, mask=c < C)


@triton.jit
def behind_norm(gradient, value, change, kept, keeps, p, c, M, G: tl.constexpr, HW: tl.constexpr, C: tl.constexpr):
    """Compute the gradient of BatchNorm's input, or of what a part without BatchNorm sums."""
    inside = (p < M)[:, None] & (c < C)[None, :]
    incoming = tl.load(gradient + p[:, None] * G + c[None, :], mask=inside, other=0.0).to(tl.float32)
    incoming *= rows_of(p, M, kept, keeps, HW)[:, None]
    apart = tl.load(value + p[:, None] * C + c[None, :], mask=inside, other=0.0).to(tl.float32)
    apart -= tl.load(change + c, mask=c < C, other=0.0)[None, :]
    factor = tl.load(change + C + c, mask=c < C, other=0.0)
    mean = tl.load(change + 2 * C + c, mask=c < C, other=0.0)
    slope = tl.load(change + 3 * C + c, mask=c < C, other=0.0)
    return tl.where(inside, (incoming - mean[None, :] - apart * slope[None, :]) * factor[None, :], 0.0)


@triton.jit(do_not_specialize=SIZES + FLAGS)
def hand_on(values, changes, kept, targets, keeps, adds, gradient, M, G: tl.constexpr, HW: tl.constexpr,
            C: tl.constexpr, P: tl.constexpr, B: tl.constexpr):  # fmt: skip
    """Compute the gradient of a part without convolutions."""
    unit = tl.program_id(2)
    p, c = tl.program_id(0) * P + tl.arange(0, P), tl.program_id(1) * B + tl.arange(0, B)
    value, change, target = pick(values, unit), pick(changes, unit), pick(targets, unit)
    result = behind_norm(gradient, value, change, pick(kept, unit), has(keeps, unit), p, c, M, G, HW, C)
    at, inside = target + p[:, None] * C + c[None, :], (p < M)[:, None] & (c < C)[None, :]
    result += tl.load(at, mask=inside & has(adds, unit), other=0.0).to(tl.float32)
    tl.store(at, result.to(target.dtype.element_ty), mask=inside)


@triton.jit(do_not_specialize=SIZES + FLAGS)
def through_pointwise(gradients, values, changes, kept, xs, norms, depthwise, pointwise, targets, partials, keeps, adds,
                      M, tiles, s: tl.constexpr, G: tl.constexpr, ONWARD: tl.constexpr, WEIGHTS: tl.constexpr,
                      SPLIT: tl.constexpr):  # fmt: skip
    """Compute the gradient of a pointwise convolution's input (`ONWARD`), or of its weights (`WEIGHTS`), or both.

    Programs visit all channels of the output; but if `SPLIT` is not 1, they share them in so many blocks. Each adds up
    the gradient of the weights over the tiles of pixels that it visits.
    """
    columns: tl.constexpr = (s.C + s.BC - 1) // s.BC * SPLIT
    program, column, unit = tl.program_id(0) // columns, tl.program_id(0) % columns, tl.program_id(2)
    gradient, value, change = pick(gradients, unit), pick(values, unit), pick(changes, unit)
    x, norm, weight, dense = pick(xs, unit), pick(norms, unit), pick(depthwise, unit), pick(pointwise, unit)
    factors, with_kept, target = pick(kept, unit), has(keeps, unit), pick(targets, unit)
    c, first = column // SPLIT * s.BC + tl.arange(0, s.BC), column % SPLIT * s.BO
    of_weights = tl.zeros((s.BO, s.BC), tl.float32)
    for tile in range(program, tiles, tl.num_programs(0) // columns):
        p = tile * s.P + tl.arange(0, s.P)
        if WEIGHTS or not s.depthwise:
            inner = depth(x, norm, weight, p, c, M, s)
        onward = tl.zeros((s.P, s.BC), tl.float32)
        for start in range(0, s.CO if SPLIT == 1 else s.BO, s.BO):
            co = first + start + tl.arange(0, s.BO)
            outer = behind_norm(gradient, value, change, factors, with_kept, p, co, M, G, s.HO * s.WO, s.CO)
            if ONWARD:
                of_dense = (co < s.CO)[:, None] & (c < s.C)[None, :]
                weights = tl.load(dense + co[:, None] * s.C + c[None, :], mask=of_dense, other=0.0)
                onward = tl.dot(outer, weights, onward, input_precision=s.precision)
            if WEIGHTS:
                of_weights = tl.dot(tl.trans(outer), inner, of_weights, input_precision=s.precision)
        if ONWARD:
            inside, at = (p < M)[:, None] & (c < s.C)[None, :], target + p[:, None] * s.C + c[None, :]
            if not s.depthwise:
                onward = tl.where(inner <= 0, 0.0, onward)
                onward += tl.load(at, mask=inside & has(adds, unit), other=0.0).to(tl.float32)
            tl.store(at, onward.to(target.dtype.element_ty), mask=inside)
    if WEIGHTS:
        co = first + tl.arange(0, s.BO)
        at = pick(partials, unit) + (program * s.CO + co)[:, None] * s.C + c[None, :]
        tl.store(at, of_weights, mask=(co < s.CO)[:, None] & (c < s.C)[None, :])


@triton.jit(do_not_specialize=SIZES + FLAGS)
def through_depthwise(gradients, xs, norms, depthwise, targets, partials, sums, adds, M, tiles, s: tl.constexpr,
                      ONWARD: tl.constexpr, WEIGHTS: tl.constexpr, KK: tl.constexpr):  # fmt: skip
    """Compute the gradients of a depthwise convolution's input, before ReLU, and of its weights.

    Where the input is another unit's, the first is the gradient of its normalized value, whose sums are stored too.
    """
    program, unit = tl.program_id(0), tl.program_id(2)
    gradient, x, weight = pick(gradients, unit), pick(xs, unit), pick(depthwise, unit)
    norm, target = pick(norms, unit), pick(targets, unit)
    c, taps = tl.program_id(1) * s.BC + tl.arange(0, s.BC), tl.arange(0, KK)
    channels = (c < s.C)[None, :]
    mean, factor, bias = load_norm(norm, c, s.inner, s.C)
    of_weights = tl.zeros((KK, s.BC), tl.float32)
    for tile in range(program, tiles, tl.num_programs(0)):
        p = tile * s.P + tl.arange(0, s.P)
        n, i, j = p // (s.H * s.W), p // s.W % s.H, p % s.W
        inside = (p < M)[:, None] & (c < s.C)[None, :]
        value = tl.load(x + p[:, None] * s.X + c[None, :], mask=inside, other=0.0).to(tl.float32)
        rectified = (value - mean) * factor + bias if s.inner else value
        rectified = tl.where(inside, tl.maximum(rectified, 0.0, propagate_nan=tl.PropagateNan.ALL), 0.0)
        y, z = i + s.D * (s.K - 1) // 2, j + s.D * (s.K - 1) // 2
        last = n * s.HO * s.WO * s.S + y * s.WO + z
        onward = tl.zeros((s.P, s.BC), tl.float32)
        for row in range(s.K):
            of_row = (p < M) & (y >= row * s.D) & (y < s.HO * s.S + row * s.D) & ((y - row * s.D) % s.S == 0)
            for column in tl.static_range(s.K):
                met = of_row & (z >= column * s.D) & (z < s.WO * s.S + column * s.D) & ((z - column * s.D) % s.S == 0)
                at = gradient + ((last - (row * s.WO + column) * s.D) // s.S * s.C)[:, None] + c[None, :]
                behind = tl.load(at, mask=met[:, None] & channels, other=0.0).to(tl.float32)
                tap = row * s.K + column
                if ONWARD:
                    onward += behind * tl.load(weight + c * s.K * s.K + tap, mask=c < s.C, other=0.0)[None, :]
                if WEIGHTS:
                    of_weights += tl.where(taps[:, None] == tap, tl.sum(behind * rectified, 0)[None, :], 0.0)
        if ONWARD:
            at = target + p[:, None] * s.C + c[None, :]
            onward = tl.where(rectified <= 0, 0.0, onward)
            onward += tl.load(at, mask=inside & has(adds, unit), other=0.0).to(tl.float32)
            stored = onward.to(target.dtype.element_ty)
            tl.store(at, stored, mask=inside)
            if s.inner:
                store_sums(stored.to(tl.float32), value, norm, True, pick(sums, unit), tile, c, s.C)
    if WEIGHTS:
        at = pick(partials, unit) + (program * s.C + c)[None, :] * s.K * s.K + taps[:, None]
        tl.store(at, of_weights, mask=(taps < s.K * s.K)[:, None] & (c < s.C)[None, :])


@triton.jit(do_not_specialize=SIZES)
def add_up(partials, results, count, size, R: tl.constexpr, B: tl.constexpr):
    """Add up partial sums, shape (count, size)."""
    unit, at = tl.program_id(2), tl.program_id(0) * B + tl.arange(0, B)
    partial, rows = pick(partials, unit), tl.arange(0, R)
    total = tl.zeros((R, B), tl.float32)
    for start in range(0, count, R):
        row = (start + rows)[:, None]
        total += tl.load(partial + row * size + at[None, :], mask=(row < count) & (at < size)[None, :], other=0.0)
    tl.store(pick(results, unit) + at, tl.sum(total, 0), mask=at < size)
