"""The draws of mode noise: standard normal numbers of a seed, a layer and a sample.

ChaCha with 8 rounds (Bernstein 2008) gives the bits, the ziggurat of 256 layers (Marsaglia and Tsang 2000) the numbers,
as the crates rand_chacha and rand_distr have them. Its table is computed here, in f64, from the start of the tail.
"""

import math

import numpy as np

TAIL = 3.654152885361009
AREA = 0.00492867323399


def key(seed):
    """The 8 words of a key that a seed of 64 bits becomes, by a PCG generator."""
    words, state = [], seed
    for _ in range(8):
        state = (state * 6364136223846793005 + 11634580027462260723) % 2**64
        word, turn = ((state >> 18 ^ state) >> 27) % 2**32, state >> 59
        words.append((word >> turn | word << (32 - turn)) % 2**32)
    return words


def chacha8(seed, stream, blocks):
    """So many blocks of 8 integers of 64 bits."""
    counter = np.arange(blocks, dtype=np.uint64)
    start = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574, *key(seed)]
    start = [np.full(blocks, word, np.uint32) for word in start]
    start += [counter.astype(np.uint32), (counter >> np.uint64(32)).astype(np.uint32)]
    start += [np.full(blocks, word, np.uint32) for word in (stream % 2**32, stream >> 32)]
    s = [word.copy() for word in start]

    def add_and_turn(a, b, c, bits):
        s[a] = s[a] + s[b]
        mixed = s[c] ^ s[a]
        s[c] = mixed << np.uint32(bits) | mixed >> np.uint32(32 - bits)

    for i in range(8):
        for column in range(4):
            # Columns and diagonals in turn.
            a, b, c, d = column, *(4 * row + (column + row * (i % 2)) % 4 for row in (1, 2, 3))
            add_and_turn(a, b, d, 16)
            add_and_turn(c, d, b, 12)
            add_and_turn(a, b, d, 8)
            add_and_turn(c, d, b, 7)
    words = np.stack([a + b for a, b in zip(s, start)], axis=1).astype(np.uint64)
    return (words[:, ::2] | words[:, 1::2] << np.uint64(32)).reshape(-1)


def density(x):
    return math.exp(-x * x / 2)


def ziggurat():
    """The right edges of the layers of equal area under the density, from the widest to 0."""
    edges = [AREA / density(TAIL), TAIL]
    while len(edges) < 256:
        edges.append(math.sqrt(-2 * math.log(AREA / edges[-1] + density(edges[-1]))))
    return [*edges, 0.0]


EDGES = ziggurat()
HEIGHTS = [density(x) for x in EDGES]


def standard_normal(seed, stream, count):
    """The first numbers of a stream."""
    # A tail or an edge takes more than one integer of 64 bits.
    bits = iter(chacha8(seed, stream, count // 4 + 8).tolist())
    return [one_normal(bits) for _ in range(count)]


def one_normal(bits):
    while True:
        word = next(bits)
        layer, u = word & 255, (word >> 12) / 2**51 - 1
        x = u * EDGES[layer]
        if abs(x) < EDGES[layer + 1]:
            return x
        if layer == 0:
            return tail(bits, u)
        fraction = (next(bits) >> 11) / 2**53
        if HEIGHTS[layer + 1] + (HEIGHTS[layer] - HEIGHTS[layer + 1]) * fraction < density(x):
            return x


def tail(bits, u):
    """Marsaglia's method for numbers beyond the widest layer."""
    x, y = 1.0, 0.0
    while -2 * y < x * x:
        x, y = (math.log(((next(bits) >> 12) + 0.5) / 2**52) for _ in range(2))
        x /= TAIL
    return x - TAIL if u < 0 else TAIL - x
