"""Fixed-point multipliers: how an integer sum becomes the integer of an output."""

import numpy as np


def multiplier(factor):
    """The mantissa of 31 bits and the exponent of a factor: `mantissa * 2^(exponent - 31)`."""
    mantissa, exponent = np.frexp(np.asarray(factor, np.float64))
    mantissa = np.floor(mantissa * (1 << 31) + 0.5).astype(np.int64)
    carried = mantissa == 1 << 31
    return np.where(carried, mantissa >> 1, mantissa), exponent + carried


def rounded(total, mantissa, exponent, rule):
    """`total * mantissa * 2^(exponent - 31)`, by integers of any size, which arrays of objects hold."""
    total, m, e = (np.asarray(numbers).astype(object) for numbers in (total, mantissa, exponent))
    if rule == "once":
        return (total * m + (1 << (30 - e))) >> (31 - e)
    if rule == "truncate":
        return np.sign(total) * (abs(total) * m >> (31 - e))
    # Twice: to the upper half, halves up, then to the right, halves away from zero.
    left, right = np.maximum(e, 0), np.maximum(-e, 0)
    high = ((total << left) * m + (1 << 30)) >> 31
    return np.sign(high) * ((abs(high) + ((1 << right) >> 1)) >> right)
