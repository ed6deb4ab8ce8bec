// Convolution units on CPUs: ReLU, depthwise convolution, dense convolution, BatchNorm, forward and backward.
//
// Each image passes through the whole unit before the next one, so that values between layers stay in the core's cache.
// Only the dense convolution's output is kept for the backward pass, which computes the rest anew.
// Tensors are contiguous, (N, C, H, W). A plane is one channel of one image.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

#ifdef _OPENMP
#include <omp.h>
#else
static int omp_get_thread_num() { return 0; }
#endif

namespace {

#if defined(__AVX512F__)
constexpr int BYTES = 64;
#elif defined(__AVX__)
constexpr int BYTES = 32;
#else
constexpr int BYTES = 16;
#endif

template <class T> struct Vector { typedef T type __attribute__((vector_size(BYTES))); };
template <class T> using vec = typename Vector<T>::type;
template <class T> constexpr int LANES = BYTES / sizeof(T);

template <class T> inline vec<T> load(const T* from) { vec<T> v; std::memcpy(&v, from, BYTES); return v; }
template <class T> inline void store(T* to, vec<T> v) { std::memcpy(to, &v, BYTES); }
template <class T> inline vec<T> all(T value) { return value - vec<T>{}; }
template <class T> inline T sum(vec<T> v) { T s = 0; for (int i = 0; i < LANES<T>; i++) s += v[i]; return s; }

// Keeps a value in its register: compilers may load it anew for every use, which takes more time than the arithmetic.
template <class V> inline void hold([[maybe_unused]] V& v) {
#if defined(__x86_64__)
    asm("" : "+v"(v));
#endif
}

// Lanes of two vectors one behind the other, chosen by number.
template <class T, int... I> inline vec<T> shuffled(vec<T> a, vec<T> b, std::integer_sequence<int, I...>) {
#if defined(__clang__)
    return __builtin_shufflevector(a, b, I...);
#else
    typedef std::conditional_t<sizeof(T) == 4, int32_t, int64_t> number __attribute__((vector_size(BYTES)));
    return __builtin_shuffle(a, b, number{I...});
#endif
}

// Adds both halves of every W lanes: those of `a` go to the first half, those of `b` to the second.
template <class T, int W, int... I> inline vec<T> folded(vec<T> a, vec<T> b, std::integer_sequence<int, I...>) {
    constexpr int H = W / 2, N = LANES<T>;
    return shuffled<T>(a, b, std::integer_sequence<int, (I % W < H ? I : N + I - H)...>{}) +
           shuffled<T>(a, b, std::integer_sequence<int, (I % W < H ? I + H : N + I)...>{});
}

// Sums of the lanes of each vector, for as many vectors as a vector has lanes; it overwrites them.
template <class T, int W = LANES<T>> inline vec<T> sums_of(vec<T>* v) {
    if constexpr (W == 1) {
        return v[0];
    } else {
#pragma GCC unroll 8
        for (int i = 0; i < W / 2; i++) v[i] = folded<T, W>(v[i], v[i + W / 2], std::make_integer_sequence<int, LANES<T>>{});
        return sums_of<T, W / 2>(v);
    }
}

constexpr int64_t up(int64_t length, int64_t multiple) { return (length + multiple - 1) / multiple * multiple; }

// Stores the first `count` lanes.
template <class T> inline void store(T* to, vec<T> v, int64_t count) {
    if (count >= LANES<T>) return store(to, v);
    const int half = count >= LANES<T> / 2 ? LANES<T> / 2 : 0;
    if (half) std::memcpy(to, &v, BYTES / 2);
    for (int i = half; i < count; i++) to[i] = v[i];
}

// Keeps the first `count` lanes and sets the others to `rest`.
template <class T> inline vec<T> first(vec<T> v, int64_t count, T rest) {
    vec<T> lane;
    for (int i = 0; i < LANES<T>; i++) lane[i] = T(i);
    return lane < all(T(count)) ? v : all(rest);
}

inline float larger(float a, float b) { return std::max(a, b); }
inline double larger(double a, double b) { return std::max(a, b); }
inline vec<float> larger(vec<float> a, float b) { return a < all(b) ? all(b) : a; }
inline vec<double> larger(vec<double> a, double b) { return a < all(b) ? all(b) : a; }

// Loads the values before `end`, at most a vector.
template <class T> inline vec<T> load(const T* from, const T* end) {
    if (end - from >= LANES<T>) return load(from);
    vec<T> v = {};
    for (int i = 0; i < end - from; i++) v[i] = from[i];
    return v;
}

// Copies a row, with zeros after it to the end of a vector. Rows are short, so a call of memcpy would take longer.
template <class T> inline void copy_row(const T* from, int64_t count, T* to) {
    for (int64_t i = 0; i < count; i += LANES<T>) store(to + i, first(load(from + i), count - i, T(0)));
}

// Calls `body` with sizes that add up to `total`, each at most N and as even as can be, as compile-time constants.
template <int N, class F> inline void dispatch(int size, F&& body) {
    if constexpr (N > 0) {
        if (size == N) return body(std::integral_constant<int, N>{});
        dispatch<N - 1>(size, body);
    }
}
template <int N, class F> inline void blocks(int64_t total, F&& body) {
    for (int64_t done = 0, left = (total + N - 1) / N; left > 0; left--) {
        int size = int((total - done + left - 1) / left);
        dispatch<N>(size, [&](auto constant) { body(done, constant); });
        done += size;
    }
}

// to[i] += sum of vector i's lanes, for N vectors; the array has room for a multiple of as many vectors as lanes.
template <int N, class T> inline void add_sums(vec<T>* v, T* to) {
#pragma GCC unroll 8
    for (int i = 0; i < N; i += LANES<T>) {
        T found[LANES<T>];
        store(found, sums_of<T>(v + i));
        for (int k = i; k < std::min(N, i + LANES<T>); k++) to[k] += found[k - i];
    }
}

// out[r, c] = sum over taps of weight[t] * in[offset[t] + r * step + c]. It goes from right to left, so that a whole vector
// can be stored at the end of a row: the values that spill into the next row are written again.
template <class T>
void correlate(const T* in, int64_t step, const T* weight, const int64_t* offset, int taps,
               T* out, int64_t height, int64_t width) {
    blocks<8>(height, [&](int64_t top, auto rows) {
        constexpr int R = rows;
        for (int64_t left = (width - 1) / LANES<T> * LANES<T>; left >= 0; left -= LANES<T>) {
            vec<T> total[R] = {};
            const T* corner = in + top * step + left;
            for (int t = 0; t < taps; t++) {
                vec<T> w = all(weight[t]);
                const T* from = corner + offset[t];
#pragma GCC unroll 8
                for (int r = 0; r < R; r++) total[r] += w * load(from + r * step);
            }
            for (int r = 0; r < R; r++) {
                const int64_t at = (top + r) * width + left;
                store(out + at, total[r], height * width - at);
            }
        }
    });
}

// The same for SIZE x SIZE taps that lie `DILATION` rows and columns apart; each value is loaded once per column of taps.
template <int SIZE, int DILATION, class T>
void correlate_square(const T* in, int64_t step, const T* weight, T* out, int64_t height, int64_t width) {
    blocks<8>(height, [&](int64_t top, auto rows) {
        constexpr int R = rows;
        for (int64_t left = (width - 1) / LANES<T> * LANES<T>; left >= 0; left -= LANES<T>) {
            vec<T> total[R] = {};
            const T* corner = in + top * step + left;
#pragma GCC unroll 8
            for (int x = 0; x < SIZE; x++) {
                vec<T> w[SIZE];
                for (int y = 0; y < SIZE; y++) w[y] = all(weight[y * SIZE + x]), hold(w[y]);
#pragma GCC unroll 24
                for (int i = 0; i < R + (SIZE - 1) * DILATION; i++) {
                    vec<T> v = load(corner + i * step + x * DILATION);
                    hold(v);
#pragma GCC unroll 8
                    for (int y = 0; y < SIZE; y++)
                        if (i >= y * DILATION && i - y * DILATION < R) total[i - y * DILATION] += w[y] * v;
                }
            }
            for (int r = 0; r < R; r++) {
                const int64_t at = (top + r) * width + left;
                store(out + at, total[r], height * width - at);
            }
        }
    });
}

// gradient[t] += sum over r, c of in[offset[t] + r * step + c] * g[r * step + c]; g is 0 behind its rows' ends.
template <class T>
void correlate_weights(const T* in, const T* g, int64_t step, const int64_t* offset, int taps,
                       T* gradient, int64_t height, int64_t width) {
    blocks<8>(taps, [&](int64_t first, auto count) {
        constexpr int B = count;
        vec<T> total[up(B, LANES<T>)] = {};
        const T* from[B];
        for (int t = 0; t < B; t++) from[t] = in + offset[first + t];
        for (int64_t r = 0; r < height; r++)
            for (int64_t at = r * step; at < r * step + width; at += LANES<T>) {
                vec<T> v = load(g + at);
#pragma GCC unroll 8
                for (int t = 0; t < B; t++) total[t] += v * load(from[t] + at);
            }
        add_sums<B>(total, gradient + first);
    });
}

// Adds the gradient of correlate_square's weights; g is laid out like `in` and is 0 after the ends of its rows.
template <int SIZE, int DILATION, class T>
void correlate_square_weights(const T* in, const T* g, int64_t step, T* gradient, int64_t height, int64_t width) {
    vec<T> totals[up(SIZE * SIZE, LANES<T>)] = {};
    for (int x = 0; x < SIZE; x++)
        blocks<6>(height, [&](int64_t top, auto rows) {
            constexpr int R = rows;
            vec<T> total[SIZE] = {};
            for (int64_t left = 0; left < width; left += LANES<T>) {
                const T *from = in + top * step + left + x * DILATION, *gradients = g + top * step + left;
                vec<T> behind[R];
                for (int r = 0; r < R; r++) behind[r] = load(gradients + r * step), hold(behind[r]);
#pragma GCC unroll 24
                for (int i = 0; i < R + (SIZE - 1) * DILATION; i++) {
                    vec<T> v = load(from + i * step);
                    hold(v);
#pragma GCC unroll 8
                    for (int y = 0; y < SIZE; y++)
                        if (i >= y * DILATION && i - y * DILATION < R) total[y] += v * behind[i - y * DILATION];
                }
            }
            for (int y = 0; y < SIZE; y++) totals[y * SIZE + x] += total[y];
        });
    add_sums<SIZE * SIZE>(totals, gradient);
}

// Calls `body` with size and dilation as compile-time constants, or `otherwise`.
template <class F, class G> inline void square(int64_t size, int64_t dilation, F&& body, G&& otherwise) {
    auto is = [&](auto s, auto d) { return size == s && dilation == d && (body(s, d), true); };
    using std::integral_constant;
    constexpr integral_constant<int, 1> one{};
    constexpr integral_constant<int, 2> two{};
    constexpr integral_constant<int, 3> three{};
    constexpr integral_constant<int, 5> five{};
    constexpr integral_constant<int, 7> seven{};
    if (is(three, one) || is(five, one) || is(three, two) || is(five, two) || is(seven, one)) return;
    otherwise();
}

// out[i, j] = sum over k of a[i * ai + k * ak] * b[k, j]; rows of b can be read to the end of the last vector.
template <class T>
void multiply(const T* a, int64_t ai, int64_t ak, const T* b, int64_t ldb, T* out, int64_t ldo,
              int64_t rows, int64_t depth, int64_t columns) {
    blocks<2>((columns + LANES<T> - 1) / LANES<T>, [&](int64_t vectors, auto wide) {
        const int64_t j = vectors * LANES<T>;
        blocks<BYTES == 64 ? 8 : 6>(rows, [&](int64_t i, auto high) {  // as many as there are registers for
            constexpr int R = high, S = wide;
            vec<T> total[R][S] = {};
            for (int64_t k = 0; k < depth; k++) {
                vec<T> other[S];
#pragma GCC unroll 2
                for (int s = 0; s < S; s++) other[s] = load(b + k * ldb + j + s * LANES<T>);
#pragma GCC unroll 8
                for (int r = 0; r < R; r++) {
                    vec<T> factor = all(a[(i + r) * ai + k * ak]);
#pragma GCC unroll 2
                    for (int s = 0; s < S; s++) total[r][s] += factor * other[s];
                }
            }
            for (int r = 0; r < R; r++)
                for (int s = 0; s < S; s++)
                    store(out + (i + r) * ldo + j + s * LANES<T>, total[r][s], columns - j - s * LANES<T>);
        });
    });
}

// out[i, k] += sum over j of a[i, j] * b[k, j]; behind its columns b has zeros to the end of the last vector.
template <class T>
void multiply_transposed(const T* a, int64_t lda, const T* b, int64_t ldb, T* out,
                         int64_t rows, int64_t depth, int64_t columns) {
    blocks<BYTES == 64 ? 4 : 3>(depth, [&](int64_t k, auto wide) {
        blocks<BYTES == 64 ? 6 : 4>(rows, [&](int64_t i, auto high) {
            constexpr int R = high, S = wide;
            vec<T> total[up(R * S, LANES<T>)] = {};
            for (int64_t j = 0; j < columns; j += LANES<T>) {
                vec<T> other[S];
#pragma GCC unroll 8
                for (int s = 0; s < S; s++) other[s] = load(b + (k + s) * ldb + j);
#pragma GCC unroll 8
                for (int r = 0; r < R; r++) {
                    vec<T> one = load(a + (i + r) * lda + j);
                    hold(one);
#pragma GCC unroll 8
                    for (int s = 0; s < S; s++) total[r * S + s] += one * other[s];
                }
            }
            T found[R * S] = {};
            add_sums<R * S>(total, found);
            for (int r = 0; r < R; r++)
                for (int s = 0; s < S; s++) out[(i + r) * depth + k + s] += found[r * S + s];
        });
    });
}

// Memory that lives as long as its thread, from the start of a cache line; its first `zeros` values are 0.
template <class T> T* scratch(size_t zeros, size_t others) {
    static thread_local std::vector<T> memory;
    constexpr size_t LINE = 64 / sizeof(T);
    if (memory.size() < zeros + others + LINE) memory.resize(zeros + others + LINE);
    T* start = memory.data();
    while (reinterpret_cast<uintptr_t>(start) % 64) start++;
    std::fill_n(start, zeros, T(0));
    return start;
}

}  // namespace

extern "C" {
struct Shape {
    int64_t images, channels_in, channels, height, width, size, stride, dilation;
    int64_t full, rectified;  // whether the windows are the dense convolution's, and whether the input is rectified
    int64_t training, threads, from_image_to_image;
    double momentum, epsilon;
};
}

namespace {

// The layout of planes with a border of zeros. With stride 2, even and odd columns are stored apart.
template <class T> struct Geometry : Shape {
    int64_t pad, rows, columns, out_plane, in_plane, phase, in_row, step, padded, border, bordered, together, ld, taps, halves;
    int64_t depth, strip, strip_ld;
    T lowest;  // below which values are cut
    std::vector<int64_t> offset;

    explicit Geometry(const Shape& shape) : Shape(shape) {
        pad = dilation * (size - 1) / 2;
        rows = (height - 1) / stride + 1;
        columns = (width - 1) / stride + 1;
        in_plane = height * width;
        out_plane = rows * columns;
        phase = up(up(columns, LANES<T>) + (size - 1) * dilation / stride + 1, LANES<T>);
        in_row = stride * phase;
        step = stride * in_row;
        padded = up((height + 2 * pad + stride) * in_row, 2 * LANES<T>) + 2 * LANES<T>;
        border = pad * step + pad;  // from a bordered gradient's corner to its first value
        bordered = up((rows + 2 * pad) * step, 2 * LANES<T>) + 2 * LANES<T>;
        taps = size * size;
        // Small images share a matrix, so that few of its vectors are incomplete. Windows of a dense convolution have a
        // matrix of their own, a strip of rows at a time, which the core's cache holds.
        together = full ? 1 : std::clamp<int64_t>(512 / out_plane, 1, (images + threads - 1) / threads);
        depth = channels_in * (full ? taps : 1);
        strip = std::clamp<int64_t>(65536 / (depth * columns), 1, rows);
        strip_ld = up(strip * columns, LANES<T>) + LANES<T>;
        lowest = rectified ? T(0) : std::numeric_limits<T>::lowest();
        ld = up(together * out_plane, 2 * LANES<T>) + 2 * LANES<T>;  // not a power of two, which caches dislike
        // A factorized reduction: half of the channels come from even rows and columns, the other half from odd ones.
        halves = size == 0 && stride == 2 ? 2 : 1;
        for (int64_t y = 0; y < size; y++)
            for (int64_t x = 0; x < size; x++)
                offset.push_back(y * dilation * in_row + x * dilation % stride * phase + x * dilation / stride);
    }

    // Copies a plane into a border of `outside`, with its values changed by `change`.
    template <class F> void frame(const T* x, T outside, T* to, F change) const {
        constexpr auto lanes = std::make_integer_sequence<int, LANES<T>>{};
        const T* end = x + in_plane;
        for (int64_t y = 0; y < height; y++, x += width) {
            T* row = to + (y + pad) * in_row;
            if (stride == 1) {
                for (int64_t i = 0; i < width; i++) row[pad + i] = change(x[i]);
                continue;
            }
            for (int64_t i = 0; i < width; i += 2 * LANES<T>) {
                const vec<T> one = change(load(x + i, end));
                const vec<T> other = i + LANES<T> < width ? change(load(x + i + LANES<T>, end)) : one;
                T *even = row + pad % 2 * phase + (pad + i) / 2, *odd = row + (pad + 1) % 2 * phase + (pad + 1 + i) / 2;
                store(even, first(every_second<0>(one, other, lanes), (width - i + 1) / 2, outside));
                store(odd, first(every_second<1>(one, other, lanes), (width - i) / 2, outside));
            }
        }
    }

    // Takes every second lane of two successive vectors.
    template <int FIRST, int... I> static vec<T> every_second(vec<T> a, vec<T> b, std::integer_sequence<int, I...>) {
        return shuffled<T>(a, b, std::integer_sequence<int, FIRST + 2 * I...>{});
    }

    // Copies a plane out of its border.
    void unframe(const T* plane, T* x) const {
        for (int64_t y = 0; y < height; y++, x += width)
            for (int64_t start = 0; start < stride; start++) {
                const T* from = plane + (y + pad) * in_row + (start + pad) % stride * phase + (start + pad) / stride;
                for (int64_t i = start, j = 0; i < width; i += stride, j++) x[i] = from[j];
            }
    }

    // Computes the gradient of `x` from that of the rectified plane; adds it to `to` if `add`.
    void pass(const T* rectified, const T* x, T scale, T shift, T* to, bool add) const {
        auto passed = [=, least = lowest](int64_t i) { return scale * x[i] + shift > least ? rectified[i] : T(0); };
        if (add)
            for (int64_t i = 0; i < in_plane; i++) to[i] += passed(i);
        else
            for (int64_t i = 0; i < in_plane; i++) to[i] = passed(i);
    }

    // Normalizes a plane by `scale` and `shift`, applies ReLU if the unit has one, and puts a border of zeros around it.
    void rectify(const T* x, T scale, T shift, T* to) const {
        frame(x, T(0), to, [=, least = lowest](auto value) { return larger(scale * value + shift, least); });
    }

    // Rectifies all channels of an image.
    void rectify_all(const T* x, const T* norm, T* planes) const {
        const int64_t I = channels_in;
        for (int64_t c = 0; c < I; c++)
            rectify(x + c * in_plane, norm ? norm[2 * I + c] : T(1), norm ? norm[3 * I + c] : T(0), planes + c * padded);
    }

    // Calls `body` with each piece of every row of a strip's matrix, where it lies in bordered planes and in the matrix.
    template <class F> void windows(int64_t top, int64_t count, T* planes, T* matrix, F body) const {
        for (int64_t k = 0; k < depth; k++, matrix += strip_ld) {
            T* corner = planes + k / taps * padded + offset[k % taps] + top * step;
            for (int64_t y = 0; y < count; y++) body(corner + y * step, matrix + y * columns);
        }
    }

    // Calls `body` with strips: their first row and number of rows.
    template <class F> void strips(F body) const {
        for (int64_t top = 0; top < rows; top += strip) body(top, std::min(strip, rows - top));
    }

    // Copies rows of windows from planes with a border, with zeros after them to the end of a vector.
    void gather(int64_t top, int64_t count, T* planes, T* matrix) const {
        windows(top, count, planes, matrix, [&](const T* from, T* to) { copy_row(from, columns, to); });
        for (int64_t k = 0; k < depth; k++) std::fill_n(matrix + k * strip_ld + count * columns, LANES<T>, T(0));
    }

    // out[r, c] = sum over taps of weight[t] * the value under the tap in a bordered plane
    void convolve(const T* plane, const T* weight, T* out) const {
        square(
            stride == 1 ? size : 0, dilation,
            [&](auto s, auto d) { correlate_square<s, d>(plane, step, weight, out, rows, columns); },
            [&] { correlate(plane, step, weight, offset.data(), int(taps), out, rows, columns); });
    }

    // Adds to the gradient of the weights, from a plane in front of windows and the gradient after them, without a border.
    void convolve_weights(const T* plane, const T* g, T* gradient) const {
        square(
            stride == 1 ? size : 0, dilation,
            [&](auto s, auto d) { correlate_square_weights<s, d>(plane, g, step, gradient, rows, columns); },
            [&] { correlate_weights(plane, g, step, offset.data(), int(taps), gradient, rows, columns); });
    }

    // Computes a plane's depthwise convolution after ReLU; without one, the rectified plane, or the part of it that a half
    // of the channels comes from. Leaves the bordered plane in front of windows in `plane`.
    void depthwise(const T* x, T scale, T shift, const T* weight, int64_t half, T* plane, T* out) const {
        if (taps) {
            rectify(x, scale, shift, plane);
            convolve(plane, weight, out);
        } else if (halves == 2) {
            for (int64_t y = 0, i = 0; y < rows; y++)
                for (int64_t j = 0; j < columns; j++, i++)
                    out[i] = std::max(scale * x[(2 * y + half) * width + 2 * j + half] + shift, T(0));
        } else {
            for (int64_t i = 0; i < in_plane; i++) out[i] = std::max(scale * x[i] + shift, T(0));
        }
    }

    // Gradient of a plane in front of windows, from a bordered one after them: `gather` sums the taps' contributions.
    template <class F> void transposed(T* part, T* out, F gather) const {
        int tap[64];
        int64_t from[64];
        for (int64_t y0 = 0; y0 < stride; y0++)
            for (int64_t x0 = 0; x0 < stride; x0++) {
                int count = 0;
                for (int64_t y = 0; y < size; y++)
                    for (int64_t x = 0; x < size; x++) {
                        int64_t down = y0 + pad - y * dilation, right = x0 + pad - x * dilation;
                        if (down % stride || right % stride) continue;
                        tap[count] = int(y * size + x);
                        from[count++] = border + down / stride * step + right / stride;
                    }
                int64_t high = (height - y0 + stride - 1) / stride, wide = (width - x0 + stride - 1) / stride;
                if (stride == 1) return gather(tap, from, count, out, height, width);
                gather(tap, from, count, part, high, wide);
                for (int64_t y = 0; y < high; y++)
                    for (int64_t x = 0; x < wide; x++) out[(y * stride + y0) * width + x * stride + x0] = part[y * wide + x];
            }
    }

    void transposed(const T* g, const T* weight, T* part, T* out) const {
        if (stride == 1) {
            T reversed[64];
            std::reverse_copy(weight, weight + taps, reversed);
            return convolve(g, reversed, out);
        }
        transposed(part, out, [&](const int* tap, const int64_t* from, int count, T* to, int64_t high, int64_t wide) {
            T chosen[64];
            for (int t = 0; t < count; t++) chosen[t] = weight[tap[t]];
            correlate(g, step, chosen, from, count, to, high, wide);
        });
    }
};

// Computes the mean, and the sum of squared differences from it.
template <class T> void moments(const T* x, int64_t size, double& mean, double& squares) {
    vec<T> total = {}, square = {};
    int64_t i = 0;
    T rest = 0;
    for (; i + LANES<T> <= size; i += LANES<T>) total += load(x + i);
    for (int64_t k = i; k < size; k++) rest += x[k];
    T center = (sum<T>(total) + rest) / T(size), deviation = 0;
    vec<T> off = {};
    for (int64_t k = 0; k < i; k += LANES<T>) {
        vec<T> d = load(x + k) - center;
        off += d;
        square += d * d;
    }
    T off_rest = 0;
    for (int64_t k = i; k < size; k++) off_rest += x[k] - center, deviation += (x[k] - center) * (x[k] - center);
    double error = (double(sum<T>(off)) + off_rest) / double(size);
    mean = double(center) + error;
    squares = double(sum<T>(square)) + deviation - error * error * double(size);
}

// Computes for all channels, one after the other: mean and 1 / deviation, from the moments of every `together` images, and
// the factor and shift that normalize them. Updates the running statistics.
template <class T>
void normalize(const Shape& shape, int64_t plane, int64_t together, const std::vector<double>& means,
               const std::vector<double>& squares, const T* weight, const T* bias, const T* scale,
               T* running_mean, T* running_var, T* norm) {
    const int64_t N = shape.images, C = shape.channels;
    const double count = double(N) * double(plane);
    for (int64_t c = 0; c < C; c++) {
        if (shape.training) {
            double mean = 0, square = 0;
            for (int64_t n = 0; n < N; n += together) mean += means[n * C + c] * double(std::min(together, N - n)) / double(N);
            for (int64_t n = 0; n < N; n += together) {
                double difference = means[n * C + c] - mean, values = double(std::min(together, N - n)) * double(plane);
                square += squares[n * C + c] + difference * difference * values;
            }
            norm[c] = T(mean);
            norm[C + c] = T(1 / std::sqrt(square / count + shape.epsilon));
            running_mean[c] += T(shape.momentum) * (T(mean) - running_mean[c]);
            running_var[c] += T(shape.momentum) * (T(square / (count - 1)) - running_var[c]);
        } else {
            norm[c] = running_mean[c];
            norm[C + c] = T(1 / std::sqrt(double(running_var[c]) + shape.epsilon));
        }
        norm[2 * C + c] = (weight ? weight[c] : scale ? *scale : 1) * norm[C + c];
        norm[3 * C + c] = (bias ? bias[c] : 0) - norm[c] * norm[2 * C + c];
    }
}

// out = factor * from + shift, added to `out` if `add`.
template <class T> inline void scaled(const T* from, T factor, T shift, int64_t size, T* out, bool add) {
    if (add)
        for (int64_t i = 0; i < size; i++) out[i] += factor * from[i] + shift;
    else
        for (int64_t i = 0; i < size; i++) out[i] = factor * from[i] + shift;
}

// Computes a unit except the scaling at the end of BatchNorm, whose factors and shifts it leaves in `norm`; `norm_in` has
// those of the unit before. Without a dense convolution, `x` is the input of BatchNorm, the product. If running statistics
// are used, the scaling can follow at once: the unit's result goes to `out`, added if `add`, and no product is kept.
template <class T>
void forward(const Shape& shape, const T* x, const T* norm_in, const T* depthwise, const T* dense,
             const T* weight, const T* bias, const T* scale, T* running_mean, T* running_var,
             T* product, T* norm, T* out, int64_t apart, bool add) {
    const Geometry<T> g(shape);
    const int64_t C = g.channels, H = C / g.halves, I = g.channels_in, N = g.images, P = g.out_plane;
    std::vector<double> means(N * C), squares(N * C);
    auto normalizes = [&] {
        normalize(shape, P, dense ? g.together : 1, means, squares, weight, bias, scale, running_mean, running_var, norm);
    };
    if (!g.training) normalizes();
    if (dense) {
#pragma omp parallel num_threads(int(g.threads)) if (g.threads > 1)
        {
            const size_t planes = g.full ? I * g.padded : g.padded, matrix = g.full ? g.depth * g.strip_ld : I * g.ld;
            T* plane = scratch<T>(planes, matrix + C * g.ld);
            T *between = plane + planes, *behind = between + matrix;
#pragma omp for schedule(static)
            for (int64_t first = 0; first < N; first += g.together) {
                const int64_t number = std::min(g.together, N - first);
                const bool in_place = product && number == 1;  // one image's matrix lies as its product does
                T* to = in_place ? product + first * C * P : behind;
                const int64_t row = in_place ? P : g.ld;
                if (g.full) {
                    g.rectify_all(x + first * g.from_image_to_image, norm_in, plane);
                    g.strips([&](int64_t top, int64_t count) {
                        g.gather(top, count, plane, between);
                        T* strip = to + top * g.columns;
                        multiply(dense, g.depth, int64_t(1), between, g.strip_ld, strip, row, C, g.depth, count * g.columns);
                    });
                }
                for (int64_t half = 0, top = 0; !g.full && half < g.halves; half++, top += H) {
                    for (int64_t n = 0; n < number; n++)
                        for (int64_t c = 0; c < I; c++) {
                            const T scale = norm_in ? norm_in[2 * I + c] : 1, shift = norm_in ? norm_in[3 * I + c] : 0;
                            const T* from = x + (first + n) * g.from_image_to_image + c * g.in_plane;
                            g.depthwise(from, scale, shift, depthwise + c * g.taps, half, plane, between + c * g.ld + n * P);
                        }
                    multiply(dense + top * I, I, int64_t(1), between, g.ld, to + top * row, row, H, I, number * P);
                }
                for (int64_t c = 0; c < C; c++) {
                    const int64_t at = first * C + c;
                    if (g.training) moments(to + c * row, number * P, means[at], squares[at]);
                    for (int64_t n = 0; !in_place && n < number; n++) {
                        const T* from = to + c * row + n * P;
                        if (out)
                            scaled(from, norm[2 * C + c], norm[3 * C + c], P, out + (first + n) * apart + c * P, add);
                        else
                            std::copy_n(from, P, product + (at + n * C) * P);
                    }
                }
            }
        }
    } else if (g.training) {
#pragma omp parallel for schedule(static) num_threads(int(g.threads)) if (g.threads > 1)
        for (int64_t at = 0; at < N * C; at++)
            moments(x + at / C * g.from_image_to_image + at % C * P, P, means[at], squares[at]);
    }
    if (g.training) normalizes();
}

}  // namespace

extern "C" {
// A term of a node's sum: images of `plane` pixels, `apart` values apart, normalized or times a scale, each times `kept`.
struct Part {
    const void *product;
    int64_t apart, plane;
    const void *norm, *scale, *kept;
    void *sums;
};
}

namespace {

// Access to the values of a part by image and channel.
template <class T> struct Values {
    const T *product, *norm, *scale, *kept;
    int64_t channels, plane, apart;

    Values(const Part& part, int64_t channels)
        : product(static_cast<const T*>(part.product)), norm(static_cast<const T*>(part.norm)),
          scale(static_cast<const T*>(part.scale)), kept(static_cast<const T*>(part.kept)),
          channels(channels), plane(part.plane), apart(part.apart) {}

    const T* at(int64_t n, int64_t c) const { return product + n * apart + c * plane; }
    T share(int64_t n) const { return kept ? kept[n] : T(1); }
    T mean(int64_t c) const { return norm ? norm[c] : T(0); }
    T inverse(int64_t c) const { return norm ? norm[channels + c] : T(1); }
    T factor(int64_t c) const { return norm ? norm[2 * channels + c] : scale ? *scale : T(1); }
    T shift(int64_t c) const { return norm ? norm[3 * channels + c] : T(0); }
};

// Writes a part to `out`, or adds it if `add`; images of `out` lie `apart` values apart.
template <class T> void combine(const Shape& g, const Part& part, T* out, int64_t apart, bool add) {
    const int64_t C = g.channels, P = part.plane;
    const Values<T> values(part, C);
#pragma omp parallel for schedule(static) num_threads(int(g.threads)) if (g.threads > 1)
    for (int64_t at = 0; at < g.images * C; at++) {
        const int64_t n = at / C, c = at % C;
        const T share = values.share(n);
        scaled(values.at(n, c), values.factor(c) * share, values.shift(c) * share, P, out + n * apart + c * P, add);
    }
}

// Computes sums over channels for a part's gradient, one after the other: gradients of weights and biases; an offset, and a
// slope times differences from the mean, which normalization subtracts from its input's gradient; the scale's gradient.
template <class T> void sums(const Shape& g, const Part& part, const T* gradient, int64_t apart) {
    const int64_t N = g.images, C = g.channels, P = part.plane;
    const Values<T> values(part, C);
    const int64_t together = std::clamp<int64_t>(256 / P, 1, N), groups = (N + together - 1) / together;
    std::vector<double> totals(groups * C), products(groups * C);
#pragma omp parallel for schedule(static) num_threads(int(g.threads)) if (g.threads > 1)
    for (int64_t at = 0; at < groups * C; at++) {
        const int64_t c = at % C, first = at / C * together;
        const T mean = values.mean(c);
        vec<T> s = {}, q = {};
        T s_rest = 0, q_rest = 0;
        for (int64_t n = first; n < std::min(first + together, N); n++) {
            const T *gy = gradient + n * apart + c * P, *from = values.at(n, c), share = values.share(n);
            int64_t i = 0;
            for (; i + LANES<T> <= P; i += LANES<T>) {
                vec<T> v = share * load(gy + i);
                s += v;
                q += v * (load(from + i) - mean);
            }
            for (; i < P; i++) s_rest += share * gy[i], q_rest += share * gy[i] * (from[i] - mean);
        }
        totals[at] = double(sum<T>(s)) + s_rest;
        products[at] = double(sum<T>(q)) + q_rest;
    }
    T* found = static_cast<T*>(part.sums);
    const bool moves = values.norm && g.training;
    const double size = double(N) * double(P);
    double all = 0;
    for (int64_t c = 0; c < C; c++) {
        double s = 0, q = 0;
        for (int64_t group = 0; group < groups; group++) s += totals[group * C + c], q += products[group * C + c];
        const double inverse = values.inverse(c);
        all += q * inverse;
        found[c] = T(q * inverse);
        found[C + c] = T(s);
        found[2 * C + c] = moves ? T(s / size) : 0;
        found[3 * C + c] = moves ? T(q * inverse * inverse / size) : 0;
    }
    found[4 * C] = T(all);
}

// Computes the gradient of one channel of one image of a part's product.
template <class T>
void unnormalize(const Part& part, int64_t channels, const T* gy, int64_t n, int64_t c, T* to, bool add) {
    const Values<T> values(part, channels);
    const T *p = values.at(n, c), *found = static_cast<const T*>(part.sums);
    const T factor = values.factor(c), share = values.share(n), mean = values.mean(c);
    const T offset = found[2 * channels + c], slope = found[3 * channels + c];
    if (add)
        for (int64_t i = 0; i < part.plane; i++) to[i] += factor * (share * gy[i] - offset - (p[i] - mean) * slope);
    else
        for (int64_t i = 0; i < part.plane; i++) to[i] = factor * (share * gy[i] - offset - (p[i] - mean) * slope);
}

// A gradient that is the sum of those of all threads, each for its own images.
template <class T> struct Partial {
    T* gradient;
    size_t size, room;
    std::vector<T> sums;

    Partial(const Shape& g, T* gradient, size_t size)
        : gradient(gradient), size(gradient ? size : 0), room(this->size + 64 / sizeof(T)), sums(g.threads * room) {}
    ~Partial() {
        for (size_t i = 0; i < size; i++) {
            gradient[i] = 0;
            for (size_t at = i; at < sums.size(); at += room) gradient[i] += sums[at];
        }
    }
    T* own() { return sums.data() + omp_get_thread_num() * room; }
};

// Computes `backward` for dense convolutions of a size above 1.
template <class T>
void backward_full(const Geometry<T>& g, const Part& part, const T* gradient, int64_t apart, const T* x, const T* norm_in,
                   const T* dense, T* gradient_x, bool add, T* gradient_dense) {
    const int64_t C = g.channels, I = g.channels_in, P = g.out_plane;
    Partial<T> dense_sums(g, gradient_dense, C * g.depth);
#pragma omp parallel num_threads(int(g.threads)) if (g.threads > 1)
    {
        T* own = dense_sums.own();
        const size_t planes = I * g.padded, matrix = g.depth * g.strip_ld;
        T* plane = scratch<T>(planes, planes + matrix + C * g.ld + g.in_plane);
        T *behind = plane + planes, *between = behind + planes;
        T *before_norm = between + matrix, *inner = before_norm + C * g.ld;
#pragma omp for schedule(static)
        for (int64_t n = 0; n < g.images; n++) {
            const T* from = x + n * g.from_image_to_image;
            for (int64_t c = 0; c < C; c++)
                unnormalize(part, C, gradient + n * apart + c * P, n, c, before_norm + c * g.ld, false);
            if (gradient_dense) g.rectify_all(from, norm_in, plane);
            if (gradient_x) std::fill_n(behind, planes, T(0));
            g.strips([&](int64_t top, int64_t count) {
                const T* strip = before_norm + top * g.columns;
                const int64_t size = count * g.columns;
                if (gradient_dense) {
                    g.gather(top, count, plane, between);
                    multiply_transposed(strip, g.ld, between, g.strip_ld, own, C, g.depth, size);
                }
                if (!gradient_x) return;
                multiply(dense, int64_t(1), g.depth, strip, g.ld, between, g.strip_ld, g.depth, C, size);
                g.windows(top, count, behind, between, [&](T* to, const T* seen) {
                    for (int64_t i = 0; i < g.columns; i += LANES<T>)
                        store(to + i, load(to + i) + load(seen + i), g.columns - i);
                });
            });
            for (int64_t c = 0; gradient_x && c < I; c++) {
                const T scale = norm_in ? norm_in[2 * I + c] : 1, shift = norm_in ? norm_in[3 * I + c] : 0;
                g.unframe(behind + c * g.padded, inner);
                g.pass(inner, from + c * g.in_plane, scale, shift, gradient_x + (n * I + c) * g.in_plane, add);
            }
        }
    }
}

// Computes the gradients of a unit's input, added to `gradient_x` if `add`, and of its weights. Without a dense convolution
// the product is the input.
template <class T>
void backward(const Shape& shape, const Part& part, const T* gradient, int64_t apart, const T* x, const T* norm_in,
              const T* depthwise, const T* dense, T* gradient_x, bool add, T* gradient_depthwise, T* gradient_dense) {
    const Geometry<T> g(shape);
    const int64_t C = g.channels, H = C / g.halves, I = g.channels_in, N = g.images, P = g.out_plane;
    if (!dense) {
#pragma omp parallel for schedule(static) num_threads(int(g.threads)) if (g.threads > 1)
        for (int64_t at = 0; at < N * C; at++) {
            const int64_t n = at / C, c = at % C;
            unnormalize(part, C, gradient + n * apart + c * P, n, c, gradient_x + at * P, add);
        }
        return;
    }
    if (g.full) return backward_full(g, part, gradient, apart, x, norm_in, dense, gradient_x, add, gradient_dense);
    const bool onward = gradient_x || gradient_depthwise;
    Partial<T> depthwise_sums(g, gradient_depthwise, I * g.taps), dense_sums(g, gradient_dense, C * I);
#pragma omp parallel num_threads(int(g.threads)) if (g.threads > 1)
    {
        T *own_depthwise = depthwise_sums.own(), *own_dense = dense_sums.own();
        const int64_t in_plane = up(g.in_plane, LANES<T>);
        T* plane = scratch<T>(g.padded + g.bordered, (C + 2 * I) * g.ld + 2 * in_plane);
        T *bordered = plane + g.padded, *before_norm = bordered + g.bordered, *between = before_norm + C * g.ld;
        T *behind = between + I * g.ld, *gathered = behind + I * g.ld, *piece = gathered + in_plane;
#pragma omp for schedule(static)
        for (int64_t first = 0; first < N; first += g.together) {
            const int64_t number = std::min(g.together, N - first);
            for (int64_t n = 0; n < number; n++)
                for (int64_t c = 0; c < C; c++) {
                    const T* from = gradient + (first + n) * apart + c * P;
                    unnormalize(part, C, from, first + n, c, before_norm + c * g.ld + n * P, false);
                }
            for (T* row = before_norm; row < behind; row += g.ld) std::fill_n(row + number * P, LANES<T>, T(0));
            for (int64_t half = 0, top = 0; half < g.halves; half++, top += H) {
                const T* of_half = before_norm + top * g.ld;
                if (onward) multiply(dense + top * I, int64_t(1), I, of_half, g.ld, behind, g.ld, I, H, number * P);
                for (int64_t n = 0; n < number; n++)
                    for (int64_t c = 0; c < I; c++) {
                        const T scale = norm_in ? norm_in[2 * I + c] : 1, shift = norm_in ? norm_in[3 * I + c] : 0;
                        const T* from = x + (first + n) * g.from_image_to_image + c * g.in_plane;
                        const T* taps = depthwise + c * g.taps;
                        if (gradient_dense)
                            g.depthwise(from, scale, shift, taps, half, plane, between + c * g.ld + n * P);
                        else if (gradient_depthwise)
                            g.rectify(from, scale, shift, plane);
                        if (!onward) continue;
                        const T* rectified = behind + c * g.ld + n * P;
                        if (g.taps) {
                            for (int64_t y = 0; y < g.rows; y++)
                                copy_row(rectified + y * g.columns, g.columns, bordered + g.border + y * g.step);
                            if (gradient_depthwise) g.convolve_weights(plane, bordered + g.border, own_depthwise + c * g.taps);
                            if (gradient_x) g.transposed(bordered, taps, piece, gathered);
                            rectified = gathered;
                        }
                        if (!gradient_x) continue;
                        T* to = gradient_x + ((first + n) * I + c) * g.in_plane;
                        if (g.halves == 1) {
                            g.pass(rectified, from, scale, shift, to, add);
                            continue;
                        }
                        if (half == 0 && !add) std::fill_n(to, g.in_plane, T(0));
                        for (int64_t y = 0, i = 0; y < g.rows; y++)
                            for (int64_t at = (2 * y + half) * g.width + half, j = 0; j < g.columns; j++, i++, at += 2)
                                to[at] += scale * from[at] + shift > 0 ? rectified[i] : T(0);
                    }
                if (gradient_dense)
                    multiply_transposed(of_half, g.ld, between, g.ld, own_dense + top * I, H, I, number * P);
            }
        }
    }
}

// Computes 1 / number of pixels under each window, without the border.
template <class T> std::vector<T> shares(const Geometry<T>& g) {
    std::vector<T> share;
    auto covered = [&](int64_t at, int64_t length) {
        int64_t start = at * g.stride - g.pad;
        return std::min(start + g.size, length) - std::max<int64_t>(start, 0);
    };
    for (int64_t y = 0; y < g.rows; y++)
        for (int64_t x = 0; x < g.columns; x++) share.push_back(T(1) / T(covered(y, g.height) * covered(x, g.width)));
    return share;
}

template <class T> void pool(const Shape& shape, bool largest, const T* x, T* out) {
    const Geometry<T> g(shape);
    const std::vector<T> share = shares(g), ones(g.taps, T(1));
#pragma omp parallel num_threads(int(g.threads)) if (g.threads > 1)
    {
        T* plane = scratch<T>(g.padded, 0);
        if (largest) std::fill_n(plane, g.padded, -std::numeric_limits<T>::infinity());
#pragma omp for schedule(static)
        for (int64_t n = 0; n < g.images * g.channels; n++) {
            T* to = out + n * g.out_plane;
            g.frame(x + n / g.channels * g.from_image_to_image + n % g.channels * g.in_plane,
                    largest ? -std::numeric_limits<T>::infinity() : T(0), plane, [](auto value) { return value; });
            if (!largest) {
                g.convolve(plane, ones.data(), to);
                for (int64_t i = 0; i < g.out_plane; i++) to[i] *= share[i];
                continue;
            }
            for (int64_t y = 0; y < g.rows; y++)
                for (int64_t c = 0; c < g.columns; c += LANES<T>) {
                    const T* at = plane + y * g.step + c;
                    vec<T> most = load(at);
                    for (int64_t t = 1; t < g.taps; t++) {
                        vec<T> v = load(at + g.offset[t]);
                        most = v > most ? v : most;
                    }
                    store(to + y * g.columns + c, most, g.out_plane - y * g.columns - c);
                }
        }
    }
}

// The gradient of a maximum goes to the first of the pixels that have it.
template <class T>
void pool_backward(const Shape& shape, bool largest, const T* gradient, int64_t apart, const T* x,
                   T* gradient_x) {
    const Geometry<T> g(shape);
    const std::vector<T> share = shares(g), ones(g.taps, T(1));
#pragma omp parallel num_threads(int(g.threads)) if (g.threads > 1)
    {
        T* plane = scratch<T>(g.padded + 2 * g.bordered, g.in_plane);
        T *bordered = plane + g.padded, *winner = bordered + g.bordered, *part = winner + g.bordered;
        if (largest) std::fill_n(plane, g.padded, -std::numeric_limits<T>::infinity());
        std::fill_n(winner, g.bordered, T(-1));
#pragma omp for schedule(static)
        for (int64_t n = 0; n < g.images * g.channels; n++) {
            const T* from = gradient + n / g.channels * apart + n % g.channels * g.out_plane;
            T *to = gradient_x + n * g.in_plane, *inner = bordered + g.border;
            for (int64_t y = 0, i = 0; y < g.rows; y++)
                for (int64_t c = 0; c < g.columns; c++, i++) inner[y * g.step + c] = largest ? from[i] : from[i] * share[i];
            if (!largest) {
                g.transposed(bordered, ones.data(), part, to);
                continue;
            }
            g.frame(x + n / g.channels * g.from_image_to_image + n % g.channels * g.in_plane,
                    largest ? -std::numeric_limits<T>::infinity() : T(0), plane, [](auto value) { return value; });
            for (int64_t y = 0; y < g.rows; y++)
                for (int64_t c = 0; c < g.columns; c += LANES<T>) {
                    const T* at = plane + y * g.step + c;
                    vec<T> most = load(at), first = {};
                    for (int64_t t = 1; t < g.taps; t++) {
                        const vec<T> v = load(at + g.offset[t]);
                        first = v > most ? all(T(t)) : first;
                        most = v > most ? v : most;
                    }
                    store(winner + g.border + y * g.step + c, first);
                }
            g.transposed(part, to, [&](const int* tap, const int64_t* at, int count, T* target, int64_t high, int64_t wide) {
                for (int64_t y = 0; y < high; y++)
                    for (int64_t c = 0; c < wide; c += LANES<T>) {
                        vec<T> total = {};
                        for (int t = 0; t < count; t++) {
                            const int64_t index = at[t] + y * g.step + c;
                            total += load(winner + index) == T(tap[t]) ? load(bordered + index) : vec<T>{};
                        }
                        store(target + y * wide + c, total, (high - y) * wide - c);
                    }
            });
        }
    }
}

// MurmurHash3's mixer. Mixed with each half of the seed, the index of a value gives its random 32-bit number.
inline uint32_t mix(uint32_t h) {
    h = (h ^ (h >> 16)) * 0x85ebca6bu;
    h = (h ^ (h >> 13)) * 0xc2b2ae35u;
    return h ^ (h >> 16);
}

// Zeros values with a probability of threshold / 2^32, and multiplies all others by `factor`.
template <class T>
void dropout(int64_t size, uint64_t seed, uint32_t threshold, T factor, int64_t threads, const T* x, T* out) {
    constexpr int64_t BLOCK = 256;
    const uint32_t low = uint32_t(seed), high = uint32_t(seed >> 32);
#pragma omp parallel for schedule(static) num_threads(int(threads)) if (threads > 1)
    for (int64_t start = 0; start < size; start += BLOCK) {
        T multiplier[BLOCK];
        for (int64_t i = 0; i < BLOCK; i++) {
            uint32_t random = mix(mix(uint32_t(start + i) ^ low) + high);
            multiplier[i] = random >= threshold ? factor : T(0);
        }
        const int64_t count = std::min(BLOCK, size - start);
        for (int64_t i = 0; i < count; i++) out[start + i] = x[start + i] * multiplier[i];
    }
}

}  // namespace

#define KERNELS(NAME, T)                                                                                               \
    extern "C" void forward_##NAME(const Shape* shape, const T* x, const T* norm_in, const T* depthwise,             \
                                   const T* dense, const T* weight, const T* bias, const T* scale,                 \
                                   T* running_mean, T* running_var, T* product, T* norm, T* out, int64_t apart,        \
                                   int64_t add) {                                                                      \
        forward<T>(*shape, x, norm_in, depthwise, dense, weight, bias, scale, running_mean, running_var, product,      \
                   norm, out, apart, add);                                                                             \
    }                                                                                                                  \
    extern "C" void combine_##NAME(const Shape* shape, const Part* part, T* out, int64_t apart, int64_t add) {         \
        combine<T>(*shape, *part, out, apart, add);                                                                    \
    }                                                                                                                  \
    extern "C" void sums_##NAME(const Shape* shape, const Part* part, const T* gradient, int64_t apart) {              \
        sums<T>(*shape, *part, gradient, apart);                                                                       \
    }                                                                                                                  \
    extern "C" void backward_##NAME(const Shape* shape, const Part* part, const T* gradient, int64_t apart, const T* x,\
                                    const T* norm_in, const T* depthwise, const T* dense, T* gradient_x,         \
                                    int64_t add, T* gradient_depthwise, T* gradient_dense) {                       \
        backward<T>(*shape, *part, gradient, apart, x, norm_in, depthwise, dense, gradient_x, add,               \
                    gradient_depthwise, gradient_dense);                                                           \
    }                                                                                                                  \
    extern "C" void pool_##NAME(const Shape* shape, int64_t largest, const T* x, T* out) {                             \
        pool<T>(*shape, largest, x, out);                                                                              \
    }                                                                                                                  \
    extern "C" void pool_backward_##NAME(const Shape* shape, int64_t largest, const T* gradient, int64_t apart,        \
                                         const T* x, T* gradient_x) {                                                  \
        pool_backward<T>(*shape, largest, gradient, apart, x, gradient_x);                                             \
    }                                                                                                                  \
    extern "C" void dropout_##NAME(int64_t size, int64_t seed, int64_t threshold, double factor, int64_t threads,      \
                                   const T* x, T* out) {                                                               \
        dropout<T>(size, uint64_t(seed), uint32_t(threshold), T(factor), threads, x, out);                             \
    }

KERNELS(float, float)
KERNELS(double, double)
