"""The memory order of results: PyTorch gives an element-wise result the order of its operands.

Operands that all lie densely in one order hand that order on.  Otherwise the dims are sorted by
the strides of the first operand that tells two dims apart, from an order in which the last dim is
the fastest; a dim that an operand is broadcast along (stride 0) tells nothing.
"""

from collections.abc import Sequence

from ...ops._common import contiguous_strides

Ints = tuple[int, ...]


def is_dense(sizes: Ints, strides: Ints) -> bool:
    """Return True if the elements fill their memory without gaps or overlap, in any order of dims.

    >>> is_dense((2, 3), (1, 2)), is_dense((2, 3), (6, 2))
    (True, False)
    """
    step = 1
    for stride, size in sorted((s, n) for n, s in zip(sizes, strides, strict=True) if n != 1):
        if stride != step:
            return False
        step *= size
    return True


def dense_strides(sizes: Ints, strides: Ints) -> Ints | None:
    """Return gapless strides in the memory order of ``strides`` (None if that is C order)."""
    found = strides if is_dense(sizes, strides) else _in_order(sizes, [strides])
    return None if found == contiguous_strides(sizes) else found


def result_strides(sizes: Ints, operands: Sequence[tuple[Ints, Ints]]) -> Ints | None:
    """Return the strides of an element-wise result of ``operands``, (sizes, strides) pairs.

    None stands for C order.
    """
    first_sizes, first = operands[0]
    if first_sizes == sizes and all(o == operands[0] for o in operands) and is_dense(sizes, first):
        found = first
    else:
        found = _in_order(sizes, [_broadcast(sizes, *operand) for operand in operands])
    return None if found == contiguous_strides(sizes) else found


def gathered_strides(sizes: Ints, own: Ints, indexed: list[int], index_sizes: Ints) -> Ints | None:
    """Return the strides of ``x[indices]``, of shape ``sizes``, where ``x`` has strides ``own``.

    ``indexed`` are the dims that index tensors (of the common shape ``index_sizes``) stand for.
    """
    adjacent = indexed[-1] - indexed[0] == len(indexed) - 1
    before = indexed[0] if adjacent else 0
    kept = tuple(s for d, s in enumerate(own) if d not in indexed)
    lead, rest = kept[:before], kept[before:]
    source = lead + (0,) * len(index_sizes) + rest
    index = (0,) * len(lead) + contiguous_strides(index_sizes) + (0,) * len(rest)
    found = _in_order(sizes, [source, index])
    return None if found == contiguous_strides(sizes) else found


def _broadcast(sizes: Ints, own_sizes: Ints, strides: Ints) -> Ints:
    lead = len(sizes) - len(own_sizes)
    own = zip(own_sizes, strides, sizes[lead:], strict=True)
    return (0,) * lead + tuple(0 if n == 1 and m != 1 else s for n, s, m in own)


def _in_order(sizes: Ints, operands: list[Ints]) -> Ints:
    """Return gapless strides in the order into which the operands' strides sort the dims."""
    order = list(reversed(range(len(sizes))))  # the fastest dim first
    for place in range(1, len(order)):
        here = place
        for there in reversed(range(place)):
            verdict = _compare(sizes, operands, order[there], order[here])
            if verdict > 0:
                order[there], order[here] = order[here], order[there]
                here = there
            elif verdict < 0:
                break
    found = [0] * len(sizes)
    step = 1
    for d in order:
        found[d] = step
        step *= max(sizes[d], 1)
    return tuple(found)


def _compare(sizes: Ints, operands: list[Ints], a: int, b: int) -> int:
    """Return -1 if dim ``a`` is faster than ``b``, 1 if it is slower, 0 if no operand can tell."""
    for strides in operands:
        if 0 in (strides[a], strides[b]):
            continue
        if strides[a] != strides[b]:
            return -1 if strides[a] < strides[b] else 1
        if sizes[a] > sizes[b]:
            return 1
    return 0
