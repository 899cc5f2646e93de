"""From declared ops to the functions and methods that users call.

For each op in ``OPS`` a Python function with PyTorch's own signature is generated, so that argument
binding runs at the interpreter's speed and ``inspect.signature`` tells the truth.  Out of one
record come ``torch.f``, ``Tensor.f``, ``torch.f_`` / ``Tensor.f_`` and ``out=``.  Ops that share a
base name ("max", "max.dim", "max.other") become one function that picks by the types of its
arguments.
"""

import functools
import inspect
import numbers
from collections import defaultdict
from collections.abc import Callable, Iterable
from types import CodeType
from typing import Any

import numpy as np

from ..._core import dtype as dt
from ...ops._registry import OPERAND, OPS, SCALAR, Dims, Op, Param, Size, split_name
from .dispatch import annotation_name, call, type_name
from .override import HOOK, Overridden, dispatch
from .register import SPACES, attach
from .tensor import Tensor
from .writing import call_inplace, call_out


class _Required:
    """Stands for an operand that was not given.

    It has the hook of an overriding class, so that it leaves the path of good calls as one does.
    """

    __torch_function__ = None

    def __repr__(self) -> str:
        return "<required>"


REQUIRED = _Required()

# PyTorch has older, hidden forms of these, so that its message is one about several overloads.
WITH_OLDER_FORMS = frozenset(["add", "addcdiv", "addcmul", "sub"])

# Every in-place form is a method; these few are functions of ``torch`` as well.
IN_PLACE_FUNCTIONS = frozenset(
    [
        "abs_",
        "acos_",
        "acosh_",
        "addmv_",
        "arccos_",
        "arccosh_",
        "arcsin_",
        "arcsinh_",
        "arctan_",
        "arctanh_",
        "asin_",
        "asinh_",
        "atan_",
        "atanh_",
        "ceil_",
        "celu_",
        "clamp_",
        "clamp_max_",
        "clamp_min_",
        "clip_",
        "conj_physical_",
        "cos_",
        "cosh_",
        "deg2rad_",
        "erf_",
        "erfc_",
        "exp2_",
        "exp_",
        "expm1_",
        "fill_",
        "fix_",
        "floor_",
        "frac_",
        "gcd_",
        "i0_",
        "lcm_",
        "ldexp_",
        "log10_",
        "log1p_",
        "log2_",
        "log_",
        "logit_",
        "nan_to_num_",
        "neg_",
        "negative_",
        "rad2deg_",
        "reciprocal_",
        "relu_",
        "round_",
        "rrelu_",
        "rsqrt_",
        "selu_",
        "sigmoid_",
        "sin_",
        "sinc_",
        "sinh_",
        "sqrt_",
        "square_",
        "tan_",
        "tanh_",
        "threshold_",
        "trunc_",
        "xlogy_",
        "zero_",
    ]
)


def bind_all() -> None:
    """Make every function and method of every declared op, under its own name and its aliases."""
    groups: dict[tuple[str, str], list[Op]] = defaultdict(list)
    for op in OPS.values():
        if op.kinds:
            home, base, _ = split_name(op.name)
            groups[home, base].append(op)
            for alias in op.aliases:
                space, own, _ = split_name(alias)
                groups[space, own].append(op)
    for (space, base), ops in groups.items():
        _bind_variants(space, base, ops)


def _bind_variants(space: str, name: str, ops: list[Op]) -> None:
    """Bind one name: methods and in-place forms exist only for names of ``torch`` itself."""
    having = {kind: [op for op in ops if kind in op.kinds] for kind in "fmi"}
    if having["f"]:
        SPACES[space][name] = _joined(
            name, [_generate(op, name, "f") for op in having["f"]], having["f"]
        )
    if having["m"] and not space:
        shared = having["m"] == having["f"] and not any(_spreads(op) for op in having["m"])
        made = [] if shared else [_generate(op, name, "m") for op in having["m"]]
        method = SPACES[space][name] if shared else _joined(name, made, having["m"])
        if shared:
            vars(method)["also_function"] = True  # so that messages name the function
        attach(name, method)
        for dunder in (d for op in having["m"] for d in op.methods):
            if dunder not in Tensor.__dict__:
                attach(dunder, _operator(method) if dunder in BINARY else method)
    if having["i"] and (not space or space == "nn.functional"):
        own = name + "_"
        inplace = _joined(own, [_generate(op, own, "i") for op in having["i"]], having["i"])
        if space or own in IN_PLACE_FUNCTIONS:
            SPACES[space][own] = inplace
        if not space:
            attach(own, inplace)


_ARITHMETIC = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")
_BITWISE = ("and", "or", "xor", "lshift", "rshift")
BINARY = frozenset(f"__{r}{name}__" for name in _ARITHMETIC + _BITWISE for r in ("", "r"))


def _operator(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``method`` as an operator, which leaves strangers (lists, ndarrays) to their class."""

    @functools.wraps(method)
    def operator(self: Tensor, other: Any) -> Any:
        try:
            return method(self, other)
        except Exception:
            if isinstance(other, (Tensor, numbers.Number, np.generic)) or hasattr(other, HOOK):
                raise
            return NotImplemented

    return operator


# --- generating one function ----------------------------------------------------------------------


def _generate(op: Op, name: str, variant: str) -> Callable[..., Any]:
    """Return the Python function of one op in one variant: "f", "m" or "i"."""
    scope: dict[str, Any] = {
        "op": op,
        "call": call,
        "call_inplace": call_inplace,
        "call_out": call_out,
        "REQUIRED": REQUIRED,
        "Overridden": Overridden,
        "overridden": _overridden,
        "numpy_names": _numpy_names,
        "unpack": _unpack_sizes,
    }
    exec(_compiled(_source(op, variant, scope)), scope)
    made = scope["itself"] = scope["public"] = scope.pop("function")
    made.__code__ = made.__code__.replace(
        co_name=name, co_filename=f"<functorch_lite op {op.name}>"
    )
    made.__name__ = made.__qualname__ = name
    made.__doc__ = op.doc
    made.__module__ = "torch"
    return made


@functools.cache
def _compiled(source: str) -> CodeType:
    """Compile a function's source; ops of the same signature share it, which halves import time."""
    return compile(source, "<functorch_lite op>", "exec")


def _spreads(op: Op) -> bool:
    """Return True if the method takes its sizes as separate arguments, unlike the function."""
    return len(op.params) > 1 and op.params[1].annotation is Size


def _source(op: Op, variant: str, scope: dict[str, Any]) -> str:
    """Write the source of the function; its defaults are put into ``scope``."""
    has_out = "o" in op.kinds and variant != "i"
    spread = variant != "f" and _spreads(op)
    names_dim = any(p.name == "dim" for p in op.params)
    explains = op.name in WITH_OLDER_FORMS
    head, keyword = [], []
    for index, p in enumerate(op.params):
        text = p.name
        if p.default is not p_empty:
            scope[f"default_{index}"] = p.default
            text += f"=default_{index}"
        elif explains or (names_dim and index > 0 and not p.keyword_only):
            text += "=REQUIRED"
        if spread and index == 1:
            text = f"*{p.name}"
        (keyword if p.keyword_only or (spread and index > 1) else head).append(text)
    if has_out:
        keyword.append("out=None")
    star = ["*"] if keyword and not spread else []
    extra = ["**other_names"] if names_dim or spread else []
    lines = [f"def function({', '.join([*head, *star, *keyword, *extra])}):"]
    if extra and not spread:
        given = ", ".join(f"{p.name!r}: {p.name}" for p in op.params)
        required = next(
            (p.name for p in op.params[1:] if p.default is p_empty and not p.keyword_only), None
        )
        condition = "other_names" + (f" or {required} is REQUIRED" if required else "")
        out = ", out" if has_out else ""
        lines += [
            f"    if {condition}:",
            f"        return numpy_names(itself, op, {{{given}}}, other_names{out})",
        ]
    if spread:
        second = [p.name for p in op.params][1]
        lines.append(f"    {second} = unpack({second}, {second!r}, other_names)")
    lines += ["    try:"] + ["    " + line for line in _body_lines(op, variant, has_out)]
    lines += ["    except Overridden:", "        return overridden(public, op, locals())"]
    return "\n".join(lines) + "\n"


def _body_lines(op: Op, variant: str, has_out: bool) -> list[str]:
    operands = _tuple_text(p.name for p in op.run_time)
    statics = _tuple_text(p.name for p in op.static)
    if variant == "i":
        return [f"    return call_inplace(op, {operands}, {statics})"]
    lines = []
    if has_out:
        lines += [
            "    if out is not None:",
            f"        return call_out(op, {operands}, {statics}, out)",
        ]
    if any(p.name == "inplace" for p in op.static):
        lines += ["    if inplace:", f"        return call_inplace(op, {operands}, {statics})"]
    return [*lines, f"    return call(op, {operands}, {statics})"]


p_empty = inspect.Parameter.empty


def _tuple_text(names: Iterable[str]) -> str:
    return "(" + "".join(f"{n}, " for n in names) + ")"


def _unpack_sizes(sizes: tuple, name: str, named: dict[str, Any]) -> Any:
    """Return the sizes of ``f(2, 3)``, ``f((2, 3))`` and ``f(name=(2, 3))`` alike."""
    if not sizes and name in named:
        sizes = (named.pop(name),)
    if named:
        raise TypeError(f"got an unexpected keyword argument '{next(iter(named))}'")
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        return tuple(sizes[0])
    return sizes


def _overridden(fun: Callable[..., Any], op: Op, given: dict[str, Any]) -> Any:
    """Ask the operands' classes to run ``fun``; optional arguments go by name, defaults unsaid.

    Operands that were not given end here too: TypeError.
    """
    missing = [name for name, value in given.items() if value is REQUIRED]
    if missing:
        raise TypeError(_missing_text(fun.__name__, op, given, missing))
    required = [p.name for p in op.params if p.default is p_empty and not p.keyword_only]
    args = tuple(given.pop(name) for name in required)
    kwargs = {
        p.name: given[p.name]
        for p in op.params
        if p.name in given and given[p.name] is not p.default
    }
    if given.get("out") is not None:
        kwargs["out"] = given["out"]
    return dispatch(fun, args, kwargs)


def _missing_text(name: str, op: Op, given: dict[str, Any], missing: list[str]) -> str:
    if name in WITH_OLDER_FORMS:
        said = [(given[p.name], p.default) for p in op.params if p.name not in missing]
        got = [type_name(value) for value, default in said if value is not default]
        return misfit_text(name, got, [_signature_text(op)])
    plural = "s" * (len(missing) == 1)  # as PyTorch has it
    names = ", ".join(f'"{n}"' for n in missing)
    return f"{name}() missing {len(missing)} required positional argument{plural}: {names}"


def misfit_text(name: str, got: Iterable[str], signatures: list[str]) -> str:
    """Return PyTorch's words for arguments of the types ``got`` that fit none of the overloads."""
    head = f"{name}() received an invalid combination of arguments - got ({', '.join(got)}), but "
    if len(signatures) == 1:
        return f"{head}expected ({signatures[0]})"
    return f"{head}expected one of:\n" + "".join(f" * ({s})\n" for s in signatures)


_NUMPY = {
    "axis": "dim",
    "keepdims": "keepdim",
    "x": "input",
    "a": "input",
    "x1": "input",
    "x2": "other",
}


def _numpy_names(fun: Callable[..., Any], op: Op, given: dict, other: dict, out: Any = None) -> Any:
    """Call ``fun`` again with NumPy's argument names translated; TypeError for a bad one."""
    short = op.name.rsplit(".", 1)[-1]
    named = {k: v for k, v in given.items() if v is not REQUIRED}
    for key, value in other.items():
        own = _NUMPY.get(key)
        if own not in given:
            raise TypeError(f"{short}() got an unexpected keyword argument '{key}'")
        named[own] = value
    missing = [p.name for p in op.params if p.name not in named]
    if missing:
        raise TypeError(_missing_text(short, op, named, missing))
    if out is not None:
        named["out"] = out
    first = op.params[0].name
    return fun(named.pop(first), **named)


# --- overloads ------------------------------------------------------------------------------------


def _joined(name: str, functions: list[Callable[..., Any]], ops: list[Op]) -> Callable[..., Any]:
    """Return one function for several overloads: the first whose parameters fit the arguments."""
    if len(functions) == 1:
        return functions[0]
    chosen: dict[tuple, Callable[..., Any]] = {}
    candidates = list(zip(ops, functions, strict=True))

    def overloaded(*args: Any, **kwargs: Any) -> Any:
        key = (
            tuple([type(a) for a in args]),
            tuple(kwargs),
            tuple([type(a) for a in kwargs.values()]),
        )
        function = chosen.get(key)
        if function is None:
            function, by_type = _choose(name, candidates, args, kwargs)
            if by_type:
                chosen[key] = function
        return function(*args, **kwargs)

    overloaded.__name__ = overloaded.__qualname__ = name
    overloaded.__module__ = "torch"
    overloaded.__doc__ = "\n\n".join(op.doc for op in ops)
    for function in functions:
        function.__globals__["public"] = overloaded
    return overloaded


def _choose(
    name: str, candidates: list, args: tuple, kwargs: dict
) -> tuple[Callable[..., Any], bool]:
    """Return the overload, and whether types alone decided; a 0-d tensor may stand for a number."""
    for loose in (False, True):
        for op, function in candidates:
            if _accepts(op, args, kwargs, loose):
                return function, not loose
    signatures = [_signature_text(op) for op, _ in candidates]
    raise TypeError(misfit_text(name, got_types(args, kwargs), signatures))


def got_types(args: tuple, kwargs: dict) -> list[str]:
    """Return the types of the arguments as PyTorch's messages list them."""
    return [*map(type_name, args), *(f"{k}={type_name(v)}" for k, v in kwargs.items())]


def _signature_text(op: Op) -> str:
    texts = []
    for p in op.params:
        if p.keyword_only and "*" not in texts:
            texts.append("*")
        texts.append(f"{_kind(p)} {p.name}{'' if p.default is p_empty else f' = {p.default}'}")
    if "o" in op.kinds:
        texts += [*(["*"] if "*" not in texts else []), "Tensor out = None"]
    return ", ".join(texts)


def _kind(param: Param) -> str:
    if param.role in (OPERAND, SCALAR):
        return "Tensor" if param.role == OPERAND else "Number"
    return annotation_name(param.annotation)


def _accepts(op: Op, args: tuple, kwargs: dict, loose: bool) -> bool:
    positional = [p for p in op.params if not p.keyword_only]
    if len(args) > len(positional):
        return False
    given = dict(zip((p.name for p in positional), args, strict=False))
    for key, value in kwargs.items():
        own = _NUMPY.get(key, key) if key not in {p.name for p in op.params} else key
        if own == "out" and "o" in op.kinds:
            continue
        if own in given or own not in {p.name for p in op.params}:
            return False
        given[own] = value
    return all(
        _fits(op, p, given[p.name], loose) if p.name in given else p.default is not p_empty
        for p in op.params
    )


def _fits(op: Op, param: Param, value: Any, loose: bool) -> bool:
    if value is None:
        return param.default is None
    kind = param.annotation
    if param.role == OPERAND:
        if isinstance(value, (numbers.Number, np.generic)):
            return param.name in op.numbers
        return isinstance(value, (Tensor, tuple, list)) or hasattr(value, HOOK)
    if param.role == SCALAR:
        return isinstance(value, (numbers.Number, np.generic)) or (
            loose and isinstance(value, Tensor) and not value._sizes
        )
    if kind is bool:
        return isinstance(value, (bool, np.bool_))
    if kind is int:
        return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if kind in (Dims, Size):
        return isinstance(value, (int, np.integer, tuple, list)) and not isinstance(value, bool)
    if kind is float:
        return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if kind is dt.dtype or isinstance(kind, type):
        return isinstance(value, kind)
    return True
