"""A model file is the same bytes for the same model, and nothing unchecked gets out of one."""

from __future__ import annotations

import json
import pickle

import msgspec
import numpy as np
import pytest
from safetensors.numpy import save

from fedlearn.learners.errors import (
    ModelHashWrong,
    ModelInvalid,
    ModelMalformed,
    ParametersNotFinite,
    ParametersWrongShape,
)
from fedlearn.learners.families import family
from fedlearn.learners.model_file import Model, ModelHead, model_decode, model_encode, model_hash
from fedlearn.learners.plan import Hyper, plan_hash
from fedlearn.learners.scaling import scaler_fixed
from tests.pure.fedlearn.learners.world import plan_of

PLAN = plan_of("next_hour_load", "mlp", hyper=Hyper(1000, 0, (5,)))
SHAPE = family("mlp").shape(PLAN)
HEAD = ModelHead("next_hour_load", SHAPE, scaler_fixed(SHAPE.inputs), plan_hash(PLAN).hex())
MODEL = Model(HEAD, family("mlp").parameters_new(PLAN, np.random.default_rng(3)))
DATA = model_encode(MODEL)


def file_of(head: object, vector: np.ndarray, name: str = "parameters") -> bytes:
    return save({name: vector}, metadata={"hearth": msgspec.json.encode(head).decode()})


def test_a_model_comes_back_and_its_bytes_do_not_change():
    found = model_decode(DATA, model_hash(DATA))
    assert found.head == HEAD
    assert (found.parameters == MODEL.parameters).all()
    assert model_encode(found) == DATA


def test_single_precision_is_read_too():
    found = model_decode(file_of(HEAD, MODEL.parameters.astype(np.float32)))
    assert found.parameters.dtype == np.float64
    assert found.parameters == pytest.approx(MODEL.parameters, rel=1e-6)


def test_another_file_than_the_ledger_names_is_refused():
    with pytest.raises(ModelHashWrong):
        model_decode(DATA, b"\0" * 32)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused_both_ways(value):
    spoilt = MODEL.parameters.copy()
    spoilt[4] = value
    with pytest.raises(ParametersNotFinite):
        model_encode(Model(HEAD, spoilt))
    with pytest.raises(ParametersNotFinite):
        model_decode(file_of(HEAD, spoilt))


def test_another_length_shape_or_type_is_refused():
    vector = MODEL.parameters
    for wrong in (vector[:-1], vector.reshape(1, -1), vector.astype(np.int64), vector.astype(np.float16)):
        with pytest.raises(ParametersWrongShape):
            model_decode(file_of(HEAD, wrong))


@pytest.mark.parametrize(
    "change",
    [
        {"task": "weather"},
        {"format": 2},
        {"plan": "00"},
        {"task": "comfort"},
        {"scaler": scaler_fixed(SHAPE.inputs + 1)},
        {"shape": msgspec.structs.replace(SHAPE, family="forest")},
        {"shape": msgspec.structs.replace(SHAPE, hidden=(0,))},
        {"shape": msgspec.structs.replace(SHAPE, hidden=(10**6,))},
        {"shape": msgspec.structs.replace(SHAPE, binary=True)},
        {"scaler": msgspec.structs.replace(HEAD.scaler, spreads_nano=(0,) * SHAPE.inputs)},
    ],
)
def test_a_head_that_does_not_fit_is_refused(change):
    with pytest.raises(ModelInvalid):
        model_decode(file_of(msgspec.structs.replace(HEAD, **change), MODEL.parameters))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 8,
        DATA[:-1],
        DATA[:40],
        DATA + b"\0",
        pickle.dumps({"parameters": [1.0]}),
        save({"parameters": MODEL.parameters}),
        save({"parameters": MODEL.parameters}, metadata={"hearth": "{}"}),
        file_of(HEAD, MODEL.parameters, "weights"),
        file_of({**json.loads(msgspec.json.encode(HEAD)), "code": "import os"}, MODEL.parameters),
        (2).to_bytes(8, "little") + b"[]",
        bytes(2_000_000),
    ],
)
def test_what_is_no_model_is_refused_without_being_run(data):
    with pytest.raises(ModelMalformed):
        model_decode(data)
