"""A model as bytes: safetensors with a head in JSON. Nothing in it is ever run, and nothing unchecked is used."""

from __future__ import annotations

import json
from typing import Final

import msgspec
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from chain.crypto.hashing import sha256
from fedlearn.learners.errors import ModelHashWrong, ModelMalformed, ParametersNotFinite, ParametersWrongShape
from fedlearn.learners.families import FAMILIES, Shape
from fedlearn.learners.families.base import parameters_check
from fedlearn.learners.plan_check import PARAMETERS_MAX
from fedlearn.learners.scaling import Scaler
from fedlearn.learners.table import Floats
from fedlearn.learners.templates import TEMPLATES

FORMAT: Final = 1
HEAD_MAX: Final = 64 * 1024
_TENSOR, _HEAD = "parameters", "hearth"
_LENGTH_BYTES = 8


class ModelHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is needed to run the parameters: the task, how to read the vector, how to scale the features."""

    task: str
    shape: Shape
    scaler: Scaler
    plan: str
    """The plan's hash in hexadecimal."""
    format: int = FORMAT


class Model(msgspec.Struct, frozen=True):
    """A model that was checked: ``parameters`` (length,) float64."""

    head: ModelHead
    parameters: Floats


def model_encode(model: Model) -> bytes:
    """The model's bytes, the same for the same model. Raises ``ParametersWrongShape``, ``ParametersNotFinite``."""
    parameters_check(model.parameters, model.head.shape)
    _head_check(model.head)
    head = msgspec.json.encode(model.head, order="deterministic").decode()
    return bytes(save({_TENSOR: np.ascontiguousarray(model.parameters, dtype="<f8")}, metadata={_HEAD: head}))


def model_decode(data: bytes, expected: bytes | None = None) -> Model:
    """The model that the bytes hold. ``expected`` is the hash that a ledger names.

    Raises:
        ModelHashWrong, ModelMalformed, ParametersWrongShape, ParametersNotFinite
    """
    if expected is not None and model_hash(data) != expected:
        raise ModelHashWrong
    if len(data) > PARAMETERS_MAX * 8 + HEAD_MAX:
        raise ModelMalformed("A model of Hearth is smaller than this file.")
    head = _head_of(data)
    try:
        tensors = load(data)
    except (SafetensorError, ValueError, KeyError) as fault:
        raise ModelMalformed from fault
    if set(tensors) != {_TENSOR}:
        raise ModelMalformed
    vector = tensors[_TENSOR]
    if vector.dtype not in (np.dtype("<f8"), np.dtype("<f4")):
        raise ParametersWrongShape
    model = Model(head, np.asarray(vector, dtype=np.float64))
    parameters_check(model.parameters, head.shape)
    return model


def model_hash(data: bytes) -> bytes:
    """SHA-256 of the model's bytes, 32 bytes: what the ledger knows a version's parameters by."""
    return sha256(data)


def _head_of(data: bytes) -> ModelHead:
    """The head in the file's JSON header, which begins with its length in eight little-endian bytes."""
    size = int.from_bytes(data[:_LENGTH_BYTES], "little")
    if len(data) < _LENGTH_BYTES or size > HEAD_MAX or len(data) < _LENGTH_BYTES + size:
        raise ModelMalformed
    try:
        header = json.loads(data[_LENGTH_BYTES : _LENGTH_BYTES + size])
        text = header["__metadata__"][_HEAD]
        head = msgspec.json.decode(text, type=ModelHead)
    except (ValueError, KeyError, TypeError, RecursionError) as fault:
        raise ModelMalformed from fault
    _head_check(head)
    return head


def _head_check(head: ModelHead) -> None:
    task = TEMPLATES.get(head.task)
    if head.format != FORMAT or task is None or head.shape.family not in FAMILIES or len(head.plan) != 64:
        raise ModelMalformed
    if head.shape.inputs != len(task.features) or head.shape.binary != task.binary:
        raise ParametersWrongShape
    if head.shape.length > PARAMETERS_MAX or 0 in head.shape.hidden:
        raise ParametersWrongShape
    widths = {len(head.scaler.means_nano), len(head.scaler.spreads_nano)}
    if widths != {head.shape.inputs}:
        raise ParametersWrongShape
    if min(head.scaler.spreads_nano) <= 0 or max(map(abs, head.scaler.means_nano)) > 10**18:
        raise ParametersNotFinite
