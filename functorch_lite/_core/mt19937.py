"""The CPU random engine: mt19937 words and the state PyTorch saves, in NumPy.

PyTorch's CPU generator is the 32-bit Mersenne Twister seeded by ``init_genrand`` with the low half
of a 64-bit seed. NumPy's legacy seeding is the same recipe, so :class:`MT19937` lets NumPy produce
the words and adds what PyTorch keeps beside them: the whole seed, and the second value of the last
Box-Muller pair, which the next small normal draw takes first. What the words become is the
business of :mod:`functorch_lite._core.draws`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

__all__ = ["MT19937", "STATE_SIZE", "Shape", "size"]

Shape = int | Sequence[int]

WORDS_IN_BLOCK = 624
DEFAULT_SEED = 67280421310721
DOUBLE_UNIT = 2.0**-53
HIGH_BITS = 0x1FFFFF  # the 21 of 53 bits that the first of two words gives

# The record behind torch.get_rng_state() on a CPU: of a Box-Muller pair's x, y and rho only y, the
# value kept for the next call, is in use; the words are 64 bits wide for history's sake.
_STATE = np.dtype(
    {
        "names": [
            "seed",
            "left",
            "seeded",
            "next",
            "words",
            "y",
            "has_y",
            "float_y",
            "has_float_y",
        ],
        "formats": ["<u8", "<i4", "<i4", "<u8", "(624,)<u8", "<f8", "<i4", "<f4", "u1"],
        "offsets": [0, 8, 12, 16, 24, 5024, 5040, 5048, 5052],
        "itemsize": 5056,
    }
)
STATE_SIZE = _STATE.itemsize


def size(shape: Shape) -> int:
    """The number of values that an array of this shape has."""
    return shape if isinstance(shape, int) else math.prod(shape)


class _Kept(NamedTuple):
    """The normal values kept for the next call: one of each precision, or None."""

    double: float | None = None
    single: float | None = None


class MT19937:
    """A stream of 32-bit words equal to PyTorch's CPU generator, with its state as bytes.

    >>> MT19937(1).words(2)
    array([1791095845, 4282876139], dtype=uint32)

    ``next_normal`` is the float64 value that a small normal draw left for the next one (None:
    nothing is kept); samplers read and write it.
    """

    __slots__ = ("_bits", "_legacy", "_origin", "_seed", "next_float_normal", "next_normal", "word")

    def __init__(self, seed: int = DEFAULT_SEED) -> None:
        """Start at ``seed``; PyTorch's own default where none is given."""
        self._bits = np.random.MT19937(0)
        self._legacy = np.random.RandomState(self._bits)
        self.word = self._bits.random_raw  # one word as a Python int, or n as uint64
        self.manual_seed(seed)

    # -- seeds -----------------------------------------------------------------------------------

    def manual_seed(self, seed: int) -> MT19937:
        """Start the stream of ``seed``, an integer of [-2**63, 2**64); -1 stands for 2**64 - 1.

        The words depend on the low 32 bits only, as in PyTorch, which keeps the whole seed for
        :meth:`initial_seed`. Raises RuntimeError for what is no integer, ValueError out of range.
        """
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
            raise RuntimeError(f"manual_seed expected a long, but got {type(seed).__name__}")
        seed = int(seed)
        if not -(2**63) <= seed < 2**64:
            raise ValueError("Overflow when unpacking long long")
        self._seed = seed % 2**64
        self._legacy.seed(self._seed & 0xFFFFFFFF)
        self._origin: np.ndarray | None = None
        self._keep(_Kept())
        return self

    def seed(self) -> int:
        """Start from a seed of the operating system's entropy and return that 64-bit seed."""
        self.manual_seed(int.from_bytes(os.urandom(8), "little"))
        return self._seed

    def initial_seed(self) -> int:
        """The seed of this stream, as an unsigned 64-bit integer."""
        return self._seed

    # -- words -----------------------------------------------------------------------------------

    def words(self, n: int) -> np.ndarray:
        """The next ``n`` words as a fresh uint32 array."""
        if (
            n < 1024
        ):  # the short way has the smaller overhead, the long one the smaller cost per word
            return self.word(n).astype(np.uint32)
        return self._legacy.randint(0, 2**32, n, dtype=np.uint32)

    def words64(self, n: int) -> np.ndarray:
        """The next ``2 * n`` words as ``n`` uint64, the first word of a pair in the high half."""
        pairs = self.words(2 * n).view("<u8")
        high = pairs << np.uint64(32)
        pairs >>= np.uint64(32)
        pairs |= high
        return pairs

    def doubles(self, n: int) -> np.ndarray:
        """``n`` float64 uniforms of [0, 1): the low 53 bits of 64-bit words, two words each."""
        bits = self.words64(n)
        bits &= np.uint64(2**53 - 1)
        uniform = bits.astype(np.float64)
        uniform *= DOUBLE_UNIT
        return uniform

    def double(self) -> float:
        """One float64 uniform as a Python float; the quick way for one value."""
        word = self.word
        return ((word() & HIGH_BITS) << 32 | word()) * DOUBLE_UNIT

    # -- state -----------------------------------------------------------------------------------

    def get_state(self) -> np.ndarray:
        """The state as the 5056 bytes of ``torch.get_rng_state()`` (uint8)."""
        record = np.zeros((), _STATE)
        bits = self._bits.state["state"]
        position = bits["pos"]
        record["seed"], record["seeded"] = self._seed, 1
        record["left"] = WORDS_IN_BLOCK + 1 - position
        record["next"] = 0 if self._is_untouched(position, bits["key"]) else position
        record["words"] = bits["key"]
        if self.next_normal is not None:
            record["y"], record["has_y"] = self.next_normal, 1
        if self.next_float_normal is not None:
            record["float_y"], record["has_float_y"] = self.next_float_normal, 1
        return np.frombuffer(record.tobytes(), np.uint8).copy()

    def set_state(self, state: np.ndarray) -> MT19937:
        """Continue from a state of :meth:`get_state` or of ``torch.get_rng_state()``.

        Raises TypeError for another dtype than uint8 and RuntimeError for another size or for
        bytes that are no state, with PyTorch's messages.
        """
        if state.dtype != np.uint8:
            raise TypeError("RNG state must be a torch.ByteTensor")
        if state.size != STATE_SIZE:
            raise RuntimeError(
                f"Expected a CPUGeneratorImplState of size {STATE_SIZE} but found the input RNG "
                f"state size to be {state.size}"
            )
        record = np.frombuffer(state.tobytes(), _STATE)[0]
        left, used = int(record["left"]), int(record["next"])
        consistent = left == 1 or used == WORDS_IN_BLOCK + 1 - left
        if not (record["seeded"] and 0 < left <= WORDS_IN_BLOCK >= used and consistent):
            raise RuntimeError("Invalid mt19937 state")
        key = record["words"].astype(np.uint32)
        position = WORDS_IN_BLOCK + 1 - left
        self._bits.state = {"bit_generator": "MT19937", "state": {"key": key, "pos": position}}
        self._seed = int(record["seed"])
        self._origin = key if used == 0 else np.zeros(0, np.uint32)
        self._keep(
            _Kept(
                float(record["y"]) if record["has_y"] else None,
                float(record["float_y"]) if record["has_float_y"] else None,
            )
        )
        return self

    def snapshot(self) -> tuple:
        """Return what :meth:`rewind` needs: the quick way to a point of this very stream."""
        kept = _Kept(self.next_normal, self.next_float_normal)
        return self._bits.state, self._seed, self._origin, kept

    def rewind(self, snapshot: tuple) -> None:
        """Go back to where :meth:`snapshot` was taken."""
        self._bits.state, self._seed, self._origin, kept = snapshot
        self._keep(kept)

    def clone(self) -> MT19937:
        """A second engine at the same point of the same stream."""
        return MT19937().set_state(self.get_state())

    __copy__ = clone

    def __deepcopy__(self, memo: dict[int, object]) -> MT19937:
        """A clone, as ``copy.deepcopy`` wants it."""
        return self.clone()

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle as the state's bytes."""
        return _restored, (self.get_state(),)

    def _keep(self, kept: _Kept) -> None:
        """Set the normal values that the next small draws take."""
        self.next_normal, self.next_float_normal = kept

    def _is_untouched(self, position: int, key: np.ndarray) -> bool:
        """Whether no word of the current seed or state was drawn: PyTorch then says ``next == 0``.

        NumPy's position is 624 both then and after a whole block; the words tell them apart.
        """
        if position != WORDS_IN_BLOCK:
            return False
        origin = self._origin
        if origin is None:
            origin = np.random.RandomState(self._seed & 0xFFFFFFFF).get_state(legacy=False)
            origin = origin["state"]["key"]
        return np.array_equal(origin, key)


def _restored(state: np.ndarray) -> MT19937:
    """An engine with this state (for pickle)."""
    return MT19937().set_state(state)
