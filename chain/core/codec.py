"""The one byte form of every record: msgpack arrays, shortest forms, checked on receipt by encoding again."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

import msgspec

from chain.core.errors import Malformed

T = TypeVar("T")
_encoder = msgspec.msgpack.Encoder()
encode_value = _encoder.encode
_NOT_CANONICAL = (
    msgspec.inspect.AnyType,
    msgspec.inspect.DictType,
    msgspec.inspect.FloatType,
    msgspec.inspect.SetType,
    msgspec.inspect.FrozenSetType,
    msgspec.inspect.DateTimeType,
    msgspec.inspect.DecimalType,
    msgspec.inspect.ExtType,
    msgspec.inspect.RawType,
)


def encode(record: msgspec.Struct) -> bytes:
    """The canonical bytes of a record: a msgpack array of its fields, integers and lengths in their shortest form."""
    return _encoder.encode(record)


def decode(record_type: type[T], data: bytes) -> T:
    """The record that the bytes stand for.

    Raises ``Malformed`` unless the bytes are exactly what ``encode`` makes of the result: no other length, order,
    integer form or trailing byte passes. Raises ``TypeError`` for a type that has more than one form for a value.
    """
    kind: Any = record_type
    try:
        record: T = decoder(kind).decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as fault:
        raise Malformed(f"the bytes are not a {record_type.__name__}") from fault
    if _encoder.encode(record) != data:
        raise Malformed(f"the bytes are a {record_type.__name__}, but not in canonical form")
    return record


@cache
def decoder(record_type: Any) -> msgspec.msgpack.Decoder[Any]:
    """The decoder of a record type, made once; raises ``TypeError`` if the type has no canonical form."""
    require_canonical(record_type)
    return msgspec.msgpack.Decoder(record_type)


def require_canonical(record_type: Any) -> None:
    """Raise ``TypeError`` if the type holds a mapping, a set, a float or anything else without one byte form."""
    seen: set[type] = set()
    waiting = [msgspec.inspect.type_info(record_type)]
    while waiting:
        info = waiting.pop()
        if isinstance(info, _NOT_CANONICAL):
            raise TypeError(f"{record_type!r} holds a {type(info).__name__}, which has no canonical form")
        if isinstance(info, msgspec.inspect.StructType):
            if info.cls in seen:
                continue
            seen.add(info.cls)
            if not info.array_like or not info.forbid_unknown_fields:
                raise TypeError(f"{info.cls.__name__} must be a Record")
            waiting.extend(field.type for field in info.fields)
        elif isinstance(info, msgspec.inspect.UnionType):
            waiting.extend(info.types)
        elif isinstance(info, msgspec.inspect.TupleType):
            waiting.extend(info.item_types)
        elif isinstance(info, msgspec.inspect.VarTupleType | msgspec.inspect.ListType):
            waiting.append(info.item_type)
