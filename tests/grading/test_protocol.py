"""Frames and values: what crosses comes out equal, what may not cross is refused before it costs anything."""

import collections
import json
import random
import tracemalloc

import numpy as np
import pytest

from course_pkg.exercises.values import Fields, kind_of, same_bits
from course_pkg.grading.inside import protocol
from course_pkg.grading.inside.protocol import (
    FrameReader,
    Opaque,
    ProtocolError,
    Sizes,
    TooMuch,
    decode,
    encode,
    pack,
    unpack,
)
from tests.grading import fuzz

VALUES = [
    None,
    True,
    0,
    -(2**63),
    10**40,
    1.5,
    -0.0,
    float("inf"),
    "",
    "naïve \u2028 \U0001f600",
    1 + 2j,
    (1, (2.0, [None, {"a": 3, 4: "b"}])),
    [],
    {},
    np.float32(2.5),
    np.bool_(True),
    np.arange(6.0).reshape(2, 3),
    np.zeros((0, 3)),
    np.array(7),
    np.array([True, False]),
    np.arange(4, dtype=np.uint8),
    np.array([1 + 2j, np.nan]),
    np.ones((2, 2), np.float16),
    Fields.of(("h", "c"), [np.ones(2), 3]),
]


def through(value):
    tree, body = encode(value)
    frame = unpack(pack({"value": tree}, body))
    return decode(frame.header["value"], frame.body, Fields.of)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: str(value)[:30])
def test_values_come_out_equal(value):
    found = through(value)
    assert type(found) is type(value) and same_bits(found, value)


def test_nan_comes_out():
    assert np.isnan(through(float("nan"))) and np.isnan(through(np.array([np.nan]))).all()


def test_arrays_are_native_contiguous_and_writable():
    for array in (np.arange(3.0).astype(">f8"), np.ones((4, 6))[::2, ::3].T, np.arange(3, dtype=np.longdouble)):
        found = through(array)
        assert found.dtype.isnative and found.flags.c_contiguous and np.array_equal(found, array)
        found[...] = 0


def test_named_tuples_keep_their_fields():
    State = collections.namedtuple("State", "h c")
    found = through(State(np.ones(2), 1.0))
    assert found._fields == ("h", "c") and type(found) is Fields


class Always(np.ndarray):
    def __eq__(self, other):
        return True

    __hash__ = None


class Text(str):
    pass


@pytest.mark.parametrize(
    "value, words",
    [
        (np.ones(2).view(Always), "a Always"),
        (np.ma.masked_array([1.0]), "a MaskedArray of numpy"),
        (np.array([object()], dtype=object), "an array of dtype object"),
        (np.array(["a"]), "an array of dtype <U1"),
        (np.zeros(2, "f8,i4"), "an array of dtype"),
        (len, "a function"),
        (Always, "a class"),
        ({1, 2}, "a set"),
        (Text("x"), "a Text"),
        (1 << 9000, "an integer of more than 2,000 digits"),
    ],
)
def test_what_is_no_value_becomes_words(value, words):
    found = through([value])[0]
    assert type(found) is Opaque and found.kind_in_words.startswith(words)
    assert kind_of(found) == found.kind_in_words
    with pytest.raises(TypeError):
        encode(value, strict=True)


def test_nesting_ends():
    loop = []
    loop.append(loop)
    found = through(loop)
    for _ in range(protocol.DEPTH):
        found = found[0]
    assert found == Opaque("something nested more than 32 levels deep")


def test_too_much_is_refused_by_the_writer():
    doubled = [0]
    for _ in range(30):
        doubled = [doubled, doubled]
    for value in (doubled, [0] * (protocol.NODES + 1)):
        with pytest.raises(TooMuch):
            encode(value)
    with pytest.raises(TooMuch):
        encode(np.zeros(1000), most=7999)
    assert encode(np.zeros(1000), most=8000)


def header(value):
    return json.dumps({"value": value}).encode()


BAD_TREES = [
    (["a", "<f8", [2]], b"\0" * 15, "more bytes than the frame has"),
    (["a", "<f8", [1]], b"\0" * 16, "belong to no array"),
    (["a", "|O8", [1]], b"\0" * 8, "may not cross"),
    (["a", "<U4", [1]], b"\0" * 16, "may not cross"),
    (["a", "object", [1]], b"\0" * 8, "may not cross"),
    (["a", ["<f8"], [1]], b"\0" * 8, "may not cross"),
    (["a", "<f8", [-1]], b"", "a length that is none"),
    (["a", "<f8", [True]], b"\0" * 8, "a length that is none"),
    (["a", "<f8", [1.0]], b"\0" * 8, "a length that is none"),
    (["a", "<f8", [2**40]], b"", "a length that is none"),
    (["a", "<f8", [2**30, 2**30, 0]], b"", "more bytes"),
    (["a", "<f8", [1] * 40], b"\0" * 8, "not a short list"),
    (["a", "<f8", "2"], b"\0" * 16, "not a short list"),
    (["a", "|b1", [2]], b"\1\2", "neither 0 nor 1"),
    (["s", "<f8", [1]], b"\0" * 8, "not a short list"),
    ([1, 2], b"", "without a tag"),  # a raw list
    ({"value": 1}, b"", "without a tag"),
    ([], b"", "without a tag"),
    (["t", 3], b"", "wrong content"),
    (["x", "3"], b"", "unknown tag"),
    (["f", "1e"], b"", "a number that is none"),
    (["i", "0x" + "f" * 3000], b"", "wrong content"),
    (10**30, b"", "64 bits"),
    (["d", [[["l", []], 1]]], b"", "no string and no number"),
    (["d", [[1]]], b"", "not a pair"),
    (["n", ["a", "a"], [1, 2]], b"", "wrong content"),
    (["n", ["a b"], [1]], b"", "wrong content"),
    (["o", "x" * 201], b"", "unknown tag"),
]


@pytest.mark.parametrize("tree, body, said", BAD_TREES, ids=[str(tree)[:30] for tree, *_ in BAD_TREES])
def test_bad_trees_are_refused(tree, body, said):
    with pytest.raises(ProtocolError, match=said):
        decode(tree, body)


def test_deep_trees_are_refused_before_json_is_read():
    deep = b'{"value":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    with pytest.raises(ProtocolError):
        protocol.read_header(deep)
    shallow = b'{"value":' + b"[" * 100 + b"]" * 100 + b"}"
    with pytest.raises(ProtocolError, match="levels deep"):
        protocol.read_header(shallow)
    assert protocol.nesting(b'{"a": "[[[[\\"[[["}') == 1


def test_nesting_is_linear_in_quotes():
    """A string that is never closed is read once, however many quotes follow."""
    assert protocol.nesting(b'"' + b'\\"' * 500_000) == 0
    assert protocol.nesting(b"[" + b'"a"' * 300_000 + b'"\\') == 1


@pytest.mark.parametrize(
    "data, said",
    [
        (b"", "begins with"),
        (b"PK\x03\x04" + bytes(20), "RNN1"),
        (protocol.PREFIX.pack(b"RNN1", 2**32 - 1, 0), "the most is"),
        (protocol.PREFIX.pack(b"RNN1", 2, 2**63), "the most is"),
        (protocol.PREFIX.pack(b"RNN1", 2, 5) + b"{}", "follow"),
        (protocol.PREFIX.pack(b"RNN1", 2, 0) + b"[]", "not a JSON object"),
        (protocol.PREFIX.pack(b"RNN1", 3, 0) + b"{,}", "not JSON"),
        (protocol.PREFIX.pack(b"RNN1", 9, 0) + b'{"a":NaN}', "not JSON"),
        (protocol.PREFIX.pack(b"RNN1", 4, 0) + b'{"\xff"', "not JSON"),
    ],
)
def test_bad_frames_are_refused(data, said):
    with pytest.raises(ProtocolError, match=said):
        unpack(data)


def test_a_prefix_that_announces_much_costs_nothing():
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError):
            list(FrameReader(Sizes(1000, 1000)).feed(protocol.PREFIX.pack(b"RNN1", 10, 2**40)))
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_the_reader_takes_any_pieces():
    frames = [pack({"k": k}, bytes(k)) for k in range(5)]
    data, reader, found = b"".join(frames), FrameReader(), []
    rng = random.Random(0)
    while data:
        cut = rng.randrange(1, 30)
        found += reader.feed(data[:cut])
        data = data[cut:]
    assert [(frame.header["k"], len(frame.body)) for frame in found] == [(k, k) for k in range(5)]
    assert reader.waiting == 0


def test_lone_surrogates_do_not_come_through():
    assert decode("a\ud800b", b"") == "a?b"


def test_frames_survive_anything():
    """Mutated frames end as a value or as ProtocolError, in bounded time and memory."""
    seeds = [pack({"value": tree}, body) for tree, body in map(encode, VALUES)]
    ends = collections.Counter()

    def take(data):
        try:
            for frame in FrameReader(Sizes(1 << 16, 1 << 16)).feed(data):
                decode(frame.header.get("value"), frame.body, Fields.of)
                ends["value"] += 1
        except ProtocolError:
            ends["refused"] += 1

    inputs = fuzz.count(3000)
    longest, most = fuzz.run(seeds, take, inputs, seed=6)
    print(f"{inputs} frames: {dict(ends)}, longest {longest:.3f} CPU s, most {most >> 10} KiB")
    assert ends["value"] > inputs // 50 and ends["refused"] > inputs // 4
    assert longest < 1.0 and most < 20 << 20
