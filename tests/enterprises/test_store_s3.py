"""The cloud store on S3, by the settings of a deployment (moto, in this process): put, get, delete, and faults."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from django.core.files.storage import storages
from moto import mock_aws
from pytest_django import Settings

from enterprises.catalog import objects
from enterprises.catalog.models import StoredObject
from enterprises.catalog.objects import Arrival, object_delete, object_open, object_put, object_received
from enterprises.catalog.store import StoreAway, storage
from enterprises.errors import ObjectHashWrong, ObjectUnknown
from marketplace.settings._store import lots_store

pytestmark = pytest.mark.django_db(databases="__all__")
BUCKET, REGION, SECRET = "hearth-lots", "eu-west-1", "deletion-secret"
OBJECT = "ab" * 32
DATA = bytes(range(256)) * 1_000
OPTIONS = ("HEARTH_STORE_ENDPOINT", "HEARTH_STORE_REGION", "HEARTH_STORE_ACCESS_KEY", "HEARTH_STORE_SECRET_KEY")


@pytest.fixture
def bucket(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The store as ``HEARTH_STORE_*`` set it up, and the bucket behind it as boto3 sees it."""
    for name, value in {
        "HEARTH_STORE_BUCKET": BUCKET,
        "HEARTH_STORE_REGION": REGION,
        "HEARTH_STORE_ACCESS_KEY": "key",
        "HEARTH_STORE_SECRET_KEY": "secret",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("HEARTH_STORE_ENDPOINT", raising=False)
    with mock_aws():
        made = boto3.resource("s3", region_name=REGION, aws_access_key_id="key", aws_secret_access_key="secret")
        place = made.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        settings.STORAGES = {**settings.STORAGES, "lots": lots_store(tmp_path)}
        yield place
    storages._storages.clear()


def put(data: bytes = DATA, *, offset: int = 0, whole: bytes | None = None, object_id: str = OBJECT) -> StoredObject:
    whole = data if whole is None else whole
    digest = hashlib.sha256(SECRET.encode()).hexdigest()
    arrival = Arrival(len(whole), hashlib.sha256(whole).hexdigest(), digest, offset)
    return object_put(object_id=object_id, arrival=arrival, stream=io.BytesIO(data), length=len(data))


def keys(bucket: Any) -> list[str]:
    return sorted(entry.key for entry in bucket.objects.all())


def got(start: int = 0, stop: int | None = None) -> bytes:
    return b"".join(object_open(OBJECT, start, stop)[1])


def test_an_object_is_put_read_by_range_and_deleted(bucket: Any) -> None:
    assert put().state == StoredObject.State.STORED
    assert keys(bucket) == [objects.name_of(OBJECT)]
    assert bucket.Object(objects.name_of(OBJECT)).get()["Body"].read() == DATA
    assert got() == DATA and got(100, 228) == DATA[100:228] and got(len(DATA) - 1) == DATA[-1:]
    put()  # again: the same object, no second copy
    assert keys(bucket) == [objects.name_of(OBJECT)]
    object_delete(object_id=OBJECT, secret=SECRET)
    assert keys(bucket) == [] and not StoredObject.objects.exists()
    with pytest.raises(ObjectUnknown):
        object_open(OBJECT)


def test_an_upload_that_broke_off_goes_on_where_it_was(bucket: Any) -> None:
    put(DATA[:70_000], whole=DATA)
    assert object_received(OBJECT) == 70_000 and len(keys(bucket)) == 1
    assert put(DATA[70_000:], offset=70_000, whole=DATA).state == StoredObject.State.STORED
    assert got() == DATA and keys(bucket) == [objects.name_of(OBJECT)]


def test_bytes_that_are_not_those_announced_leave_nothing_in_the_bucket(bucket: Any) -> None:
    with pytest.raises(ObjectHashWrong):
        put(DATA[:-1] + b"x", whole=DATA)
    assert keys(bucket) == []


def test_an_object_that_the_bucket_has_lost_is_a_fault_of_the_store_and_no_empty_answer(bucket: Any) -> None:
    put()
    bucket.Object(objects.name_of(OBJECT)).delete()
    with pytest.raises(StoreAway):
        object_open(OBJECT)
    object_delete(object_id=OBJECT, secret=SECRET)
    assert not StoredObject.objects.exists()


def test_a_bucket_that_is_gone_or_denied_refuses_and_the_upload_can_be_repeated(bucket: Any) -> None:
    bucket.delete()
    with pytest.raises(StoreAway) as refused:
        put()
    assert refused.value.http_status == 503 and refused.value.code == "store_away"
    assert StoredObject.objects.get().state == StoredObject.State.RECEIVING
    boto3.client("s3", region_name=REGION).create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    assert put().state == StoredObject.State.STORED and got() == DATA


def test_a_store_that_does_not_answer_is_no_server_error(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put()

    def away(*args: object, **kwargs: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://s3.example")

    monkeypatch.setattr(type(storage()), "delete", away)
    with pytest.raises(StoreAway):
        object_delete(object_id=OBJECT, secret=SECRET)
    assert StoredObject.objects.get().state == StoredObject.State.DELETING  # the sweep tries again


def test_a_store_of_ones_own_is_reached_by_path_and_given_up_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEARTH_STORE_BUCKET", BUCKET)
    monkeypatch.setenv("HEARTH_STORE_ENDPOINT", "http://minio.example:9000")
    options = lots_store(tmp_path)["OPTIONS"]
    assert options["endpoint_url"] == "http://minio.example:9000"
    assert options["client_config"].s3 == {"addressing_style": "path"}
    assert options["client_config"].retries["total_max_attempts"] <= 3


def test_without_a_bucket_the_store_is_a_folder_of_the_nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEARTH_STORE_BUCKET", raising=False)
    assert lots_store(tmp_path)["OPTIONS"]["location"] == str(tmp_path / "store")
