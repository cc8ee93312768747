"""Exercises of chapter 19, captions: cases, known mistakes, other correct ways."""

import numpy as np

from course_pkg.exercises import Exercise, Mutant, case, given


def layer_inputs(rng, n):
    """sizes (n,), strides (n,)."""
    return rng.integers(1, 6, n), rng.integers(1, 4, n)


def field_as_a_sum(sizes, strides):
    """Each layer adds its size - 1, times all strides before it."""
    before = np.concatenate([[1], np.cumprod(strides)[:-1]])
    return 1 + int(((np.asarray(sizes) - 1) * before).sum())


def field_from_the_end(sizes, strides):
    """n output places need (n - 1) stride + size inputs: from the last layer to the first."""
    places = 1
    for size, stride in reversed(list(zip(sizes, strides, strict=True))):
        places = (places - 1) * stride + size
    return places


receptive_field = Exercise(
    id="19-receptive-field",
    title="What a place can see",
    function="receptive_field",
    returns=("pixels",),
    inputs=layer_inputs,
    public=[
        given("one layer of 3", np.array([3]), np.array([1])),
        given("two layers of 3", np.array([3, 3]), np.array([1, 1])),
        given("the encoder of the chapter", np.array([3, 2, 3, 2, 1]), np.array([1, 2, 1, 2, 1])),
        given("pooling first", np.array([2, 3]), np.array([2, 1])),
        case("three layers", n=3),
    ],
    hidden={"n": range(1, 6)},
    mutants=[
        Mutant(replace="pixels += (size - 1) * apart", by="pixels += (size - 1)",
               hint="After a layer with stride 2, neighbours are two pixels apart. Multiply by that distance."),
        Mutant(replace="pixels += (size - 1) * apart", by="pixels += size * apart",
               hint="A kernel of 3 sees two more places than one of 1: size - 1 counts."),
        Mutant(replace="apart *= stride", by="apart += stride",
               hint="Distances multiply: two layers of stride 3 put neighbours nine pixels apart, not seven."),
        Mutant(replace="apart *= stride", by="apart = stride",
               hint="The strides of all earlier layers count, not that of the last one alone."),
        Mutant(replace="pixels, apart = 1, 1", by="pixels, apart = 0, 1",
               hint="One pixel is missing: before any layer a place sees one pixel."),
        Mutant(replace="pixels += (size - 1) * apart\n        apart *= stride",
               by="apart *= stride\n        pixels += (size - 1) * apart",
               hint="The stride of a layer sets apart its outputs, which the *next* layer reads. Here it counts too early."),
    ],
    alternatives=[field_as_a_sum, field_from_the_end],
)  # fmt: skip


def image_inputs(rng, R, C, P, Q):
    """image (R, C), a kernel that fits, a bias."""
    return rng.normal(size=(R, C)), rng.normal(size=(min(P, R), min(Q, C))), float(rng.normal())


def convolve_place_by_place(image, kernel, bias):
    """One output after the other."""
    (R, C), (P, Q) = image.shape, kernel.shape
    return np.array([
        [(image[r : r + P, c : c + Q] * kernel).sum() + bias for c in range(C - Q + 1)] for r in range(R - P + 1)
    ])  # fmt: skip


def convolve_by_windows(image, kernel, bias):
    """All windows at once, in float32."""
    windows = np.lib.stride_tricks.sliding_window_view(image.astype(np.float32), kernel.shape)
    return np.tensordot(windows, kernel.astype(np.float32), axes=2) + np.float32(bias)


convolve = Exercise(
    id="19-convolve",
    title="Convolution",
    function="convolve",
    returns=("y",),
    inputs=image_inputs,
    public=[
        given("a vertical edge", np.array([[0.0, 0, 1, 1]] * 3), np.array([[-1.0, 1.0]]), 0.0),
        case("square", R=5, C=5, P=3, Q=3),
        case("flat image, tall kernel", R=4, C=6, P=3, Q=1),
        case("kernel as large as the image", R=3, C=2, P=3, Q=2),
        case("one pixel, P=Q=1", R=3, C=4, P=1, Q=1),
    ],
    hidden={"R": range(1, 8), "C": range(1, 8), "P": range(1, 5), "Q": range(1, 5)},
    mutants=[
        Mutant(replace="kernel[i, j] *", by="kernel[P - 1 - i, Q - 1 - j] *",
               hint="The kernel is flipped. That is the convolution of signal processing; here it is not flipped."),
        Mutant(replace="float(bias)", by="0.0", hint="The bias is missing."),
        Mutant(replace="y += kernel[i, j]", by="y += bias + kernel[i, j]",
               hint="The bias is added for each place of the kernel. It is added once."),
        Mutant(replace="y += kernel[i, j] *", by="y += kernel[i, j] / (P * Q) *",
               hint="This is a mean over the kernel. The products are added."),
        Mutant(replace="        for j in range(Q):", by="        for j in range(1):",
               hint="Only one column of the kernel is used."),
        Mutant(replace="i : i + R - P + 1, j : j + C - Q + 1", by="0 : R - P + 1, 0 : C - Q + 1",
               hint="The image does not move under the kernel: every place of the kernel reads another, shifted part."),
    ],
    alternatives=[convolve_place_by_place, convolve_by_windows],
)  # fmt: skip


def pool_inputs(rng, rows, columns, size):
    """x with equal numbers in it, dy, size."""
    x = rng.integers(-4, 5, (rows * size, columns * size)) / 2
    return x, rng.normal(size=(rows, columns)), size


def pool_by_slices(x, dy, size):
    """One place of all tiles after the other; a tile that has its winner is closed."""
    places = [np.s_[i::size, j::size] for i in range(size) for j in range(size)]
    y = np.max([x[p] for p in places], axis=0)
    dx, free = np.zeros(x.shape), np.ones(y.shape, bool)
    for p in places:
        won = free & (x[p] == y)
        dx[p] = np.where(won, dy, 0)
        free &= ~won
    return y, dx


def pool_by_tiles(x, dy, size):
    """Tiles in rows of their own."""
    R, C = dy.shape
    tiles = x.reshape(R, size, C, size).swapaxes(1, 2).reshape(R, C, -1)
    hot = np.eye(size * size)[tiles.argmax(axis=-1)] * dy[..., None]
    return tiles.max(axis=-1), hot.reshape(R, C, size, size).swapaxes(1, 2).reshape(x.shape)


max_pool = Exercise(
    id="19-max-pool",
    title="Back through max pooling",
    function="max_pool",
    returns=("y", "dx"),
    inputs=pool_inputs,
    public=[
        given("four equal numbers", np.ones((2, 2)), np.array([[3.0]]), 2),
        given("negative numbers", -np.arange(1.0, 9.0).reshape(2, 4), np.array([[1.0, -2.0]]), 2),
        case("tiles of 2", rows=2, columns=3, size=2),
        case("tiles of 3", rows=2, columns=1, size=3),
        case("tiles of one pixel", rows=2, columns=2, size=1),
    ],
    hidden={"rows": range(1, 4), "columns": range(1, 5), "size": range(1, 4)},
    mutants=[
        Mutant(replace="dx[r * size + i, c * size + j] = dy[r, c]",
               by="dx[r * size : (r + 1) * size, c * size : (c + 1) * size] = (tile == tile.max()) * dy[r, c]",
               hint="Where a tile has several largest numbers, each of them receives the gradient. Only the first one does."),
        Mutant(replace="dx[r * size + i, c * size + j] = dy[r, c]",
               by="dx[r * size : (r + 1) * size, c * size : (c + 1) * size] = dy[r, c] / size**2",
               hint="This is the gradient of mean pooling. Here the largest number of a tile receives all of it."),
        Mutant(replace="int(tile.argmax())", by="int(np.abs(tile).argmax())",
               hint="The number of largest size wins here. Asked for is the largest number, with its sign."),
        Mutant(replace="divmod(int(tile.argmax()), size)", by="divmod(int(tile.T.argmax()), size)[::-1]",
               hint="Of equal numbers the first one by columns is taken. Go row by row."),
        Mutant(replace="dx[r * size + i, c * size + j] = dy[r, c]", by="dx[r * size + i, c * size + j] = y[r, c]",
               hint="dx holds the largest number itself. It must hold the gradient that the tile receives."),
        Mutant(replace="dx[r * size + i, c * size + j] = dy[r, c]", by="dx[r * size + j, c * size + i] = dy[r, c]",
               hint="Row and column within the tile are exchanged."),
        Mutant(replace="y[r, c] = tile[i, j]", by="y[r, c] = tile.mean()",
               hint="y is the mean of each tile. It must be its largest number."),
    ],
    alternatives=[pool_by_slices, pool_by_tiles],
)  # fmt: skip


def gaze_inputs(rng, R, C, tile, side):
    """Weights (R, C) with sum 1, tile, a box inside the image."""
    weights = rng.random((R, C)) ** 3 + 0.01
    side = min(side, R * tile, C * tile)
    row, column = rng.integers(0, [R * tile - side + 1, C * tile - side + 1])
    return weights / weights.sum(), tile, int(row), int(column), side


def share_by_overlaps(weights, tile, row, column, side):
    """The share of each tile that lies in the box is a product: rows times columns."""
    def overlaps(n, first):
        starts = np.arange(n) * tile
        return np.clip(np.minimum(starts + tile, first + side) - np.maximum(starts, first), 0, None) / tile

    return overlaps(weights.shape[0], row) @ weights @ overlaps(weights.shape[1], column)


def share_pixel_by_pixel(weights, tile, row, column, side):
    """Each pixel of the box asks its tile."""
    pixels = [(r // tile, c // tile) for r in range(row, row + side) for c in range(column, column + side)]
    return np.float32(sum(weights[place] for place in pixels) / tile**2)


gaze_share = Exercise(
    id="19-gaze-share",
    title="How much of the gaze is on the digit?",
    function="gaze_share",
    returns=("share",),
    inputs=gaze_inputs,
    public=[
        given("equal weights", np.full((4, 4), 1 / 16), 4, 3, 5, 8),
        given("one tile, half inside", np.eye(1, 9, 4).reshape(3, 3), 4, 6, 4, 4),
        case("two rows, three columns", R=2, C=3, tile=4, side=5),
        case("tiles of one pixel", R=4, C=3, tile=1, side=2),
    ],
    hidden={"R": range(1, 7), "C": range(1, 7), "tile": range(1, 5), "side": range(1, 9)},
    mutants=[
        Mutant(replace=" / tile**2", by="", hint="Each pixel has the whole weight of its tile. Spread it: the tile's pixels share it."),
        Mutant(replace=" / tile**2", by=" / tile", hint="A tile has tile x tile pixels, not tile."),
        Mutant(replace="pixels[row : row + side, column : column + side].sum()",
               by="pixels[column : column + side, row : row + side].sum()", hint="Row and column are exchanged."),
        Mutant(replace="pixels[row : row + side, column : column + side].sum()",
               by="pixels[row : row + side, column : column + side].mean()",
               hint="This is the mean over the box's pixels. The share is their sum."),
        Mutant(replace="pixels[row : row + side, column : column + side].sum()",
               by="pixels[row : row + side + 1, column : column + side + 1].sum()",
               hint="The box is one pixel too large: it ends before row + side."),
        Mutant(replace="np.kron(weights, np.ones((tile, tile)))", by="np.kron(np.ones((tile, tile)), weights)",
               hint="The whole grid is repeated in place of each weight. Each weight must fill a tile of its own."),
        Mutant(replace="pixels[row : row + side, column : column + side].sum()",
               by="weights[row // tile : (row + side) // tile, column // tile : (column + side) // tile].sum()",
               hint="Whole tiles are counted. A tile that the box covers in part counts in part."),
    ],
    alternatives=[share_by_overlaps, share_pixel_by_pixel],
)  # fmt: skip


def write_inputs(rng, S, K, H, E, V, longest):
    """A decoder of random weights, large enough that its words differ."""
    A = 3
    keys, W_0, W, U = rng.normal(size=(S, K)), rng.normal(size=(H, K)), rng.normal(size=(A, K)), rng.normal(size=(A, H))
    v, emb, W_x = 2 * rng.normal(size=A), rng.normal(size=(V, E)), rng.normal(size=(H, E + K))
    return keys, W_0, W, U, v, emb, W_x, rng.normal(size=(H, H)), rng.normal(size=(V, H + K)), longest


def write_with_blocks(keys, W_0, W, U, v, emb, W_x, W_h, W_y, longest):
    """The products with two inputs side by side, written as sums of two products."""
    E, H = emb.shape[1], len(W_h)
    state, word, words, looks = np.tanh((keys @ W_0.T).mean(axis=0)), 0, [], []
    for _ in range(longest):
        scores = np.array([v @ np.tanh(W @ k + U @ state) for k in keys])
        alpha = np.exp(scores - np.logaddexp.reduce(scores))
        context = (alpha[:, None] * keys).sum(axis=0)
        state = np.tanh(W_x[:, :E] @ emb[word] + W_x[:, E:] @ context + W_h @ state)
        word = int((W_y[:, :H] @ state + W_y[:, H:] @ context).argmax())
        words, looks = [*words, word], [*looks, alpha]
        if not word:
            break
    return np.array(words), np.stack(looks)


def write_as_recursion(keys, W_0, W, U, v, emb, W_x, W_h, W_y, longest):
    """One word, then the rest."""
    def rest(s, y, left):
        if not left:
            return []
        alpha = np.exp(np.tanh(keys @ W.T + s @ U.T) @ v)
        alpha /= alpha.sum()
        c = alpha @ keys
        s = np.tanh(np.hstack([emb[y], c, s]) @ np.hstack([W_x, W_h]).T)
        word = (W_y @ np.hstack([s, c])).argmax()
        return [(word, alpha)] + (rest(s, word, left - 1) if word else [])

    words, looks = zip(*rest(np.tanh(W_0 @ keys.mean(axis=0)), 0, longest), strict=True)
    return np.array(words), np.array(looks)


write = Exercise(
    id="19-write",
    title="Write a caption",
    function="write",
    returns=("words", "weights"),
    inputs=write_inputs,
    public=[
        case("four places", S=4, K=3, H=4, E=2, V=5, longest=6),
        case("two words in all, END comes", S=3, K=2, H=3, E=2, V=2, longest=9),
        case("one place, S=1", S=1, K=2, H=3, E=3, V=6, longest=4),
        case("as many of each", S=3, K=3, H=3, E=3, V=6, longest=5),
        case("one word at most", S=5, K=2, H=4, E=2, V=4, longest=1),
    ],
    hidden={"S": range(1, 6), "K": range(1, 5), "H": range(2, 6), "E": range(1, 4), "V": range(2, 7), "longest": range(1, 8)},
    mutants=[
        Mutant(replace="keys.mean(axis=0)", by="keys.sum(axis=0)",
               hint="The first state reads the mean of the keys. Here it reads their sum."),
        Mutant(replace="np.tanh(W_0 @ keys.mean(axis=0))", by="W_0 @ keys.mean(axis=0)",
               hint="The tanh of the first state is missing."),
        Mutant(replace="        if y == 0:\n            break", by="        pass",
               hint="END came, and the words went on. Stop after END."),
        Mutant(replace="emb[y], context", by="emb[0], context",
               hint="Every step reads END as the last word. Read the word that was chosen before."),
        Mutant(replace="weights = weights / weights.sum()", by="pass",
               hint="The weights do not sum to 1. Divide by their sum."),
        Mutant(replace="np.concatenate([s, context])", by="np.concatenate([s, keys.mean(axis=0)])",
               hint="The word is chosen from the mean of the keys. It is chosen from the context, which is weighted."),
        Mutant(replace="np.tanh(keys @ W.T + U @ s) @ v", by="(keys @ W.T + U @ s) @ v",
               hint="The tanh of the score is missing. Without it the query adds the same number at each place and changes no weight."),
        Mutant(replace="context = weights @ keys  # (K,)", by="context = keys[np.argmax(weights)]",
               hint="The context is the key with the largest weight. It is the weighted sum of all keys."),
    ],
    alternatives=[write_with_blocks, write_as_recursion],
)  # fmt: skip

EXERCISES = [receptive_field, convolve, max_pool, gaze_share, write]
