"""Where Instagram fetches pictures: a folder, or a bucket at a real S3 server (moto's, on loopback)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer

from veille import config
from veille.errors import ConfigError, NotAuthorised, Unavailable
from veille.publishing import File
from veille_publishers.media_store import FOLDER, MediaStore, open_store, take_away

ONE, TWO = (File(f"{letter * 20}.jpg", "image/jpeg", b"\xff\xd8" + letter.encode() * 2000) for letter in "ab")
BUCKET = "kess-kis-pass"
EVERYBODY_READS = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    ],
}


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "needle-in-the-haystack")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))


def opened(root: Path, web: str = "", **settings: str) -> MediaStore:
    (root / "veille.toml").write_text(f'[workspace]\nbase_url = "https://kess.example.org"\n[web]\n{web}')
    return open_store(config.load(root, {f"VEILLE_INSTAGRAM__{key.upper()}": v for key, v in settings.items()}))


def at_bucket(root: Path, s3: str, name: str = BUCKET) -> MediaStore:
    return opened(
        root,
        media=f"s3://{name}/insta",
        media_base_url=f"{s3}/{name}/insta/",
        media_endpoint=s3,
        media_region="eu-west-3",
    )


@pytest.fixture
def bucket(s3: str, keys: None, tmp_path: Path) -> MediaStore:
    client: Any = boto3.client("s3", endpoint_url=s3, region_name="eu-west-3")
    requests.post(f"{s3}/moto-api/reset", timeout=10)
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
    client.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(EVERYBODY_READS))
    client.put_object(Bucket=BUCKET, Key="somebody-else.jpg", Body=b"theirs")
    return at_bucket(tmp_path, s3)


@pytest.fixture
def folder(tmp_path: Path) -> MediaStore:
    return opened(tmp_path)


@pytest.mark.parametrize("kind", ["folder", "bucket"])
def test_puts_lists_and_takes_away_only_what_was_ever_ours(kind: str, request: pytest.FixtureRequest) -> None:
    store: MediaStore = request.getfixturevalue(kind)
    assert list(store.names()) == []
    for file in (ONE, TWO, ONE):
        store.put(file)
    theirs = File("c" * 20 + ".jpg", "image/jpeg", b"theirs")
    store.put(theirs)
    assert sorted(store.names()) == sorted([ONE.name, TWO.name, theirs.name])
    assert take_away(store, known={ONE.name, TWO.name}, needed={TWO.name}) == 1
    assert sorted(store.names()) == sorted([TWO.name, theirs.name])
    store.remove(ONE.name)  # twice does no harm


def test_everybody_reads_what_lies_in_the_bucket_under_its_address(bucket: MediaStore) -> None:
    bucket.put(ONE)
    answer = requests.get(bucket.url(ONE.name), timeout=10)
    assert answer.content == ONE.content
    assert answer.headers["Content-Type"] == "image/jpeg"


def test_the_folder_is_that_of_the_pages(tmp_path: Path) -> None:
    opened(tmp_path).put(ONE)
    assert (tmp_path / "outbox/web" / FOLDER / ONE.name).read_bytes() == ONE.content
    store = opened(tmp_path, web='transport = "folder"\noutput = "public"\n')
    store.put(ONE)
    assert (tmp_path / "public" / FOLDER / ONE.name).is_file()
    assert store.url(ONE.name) == f"https://kess.example.org/{FOLDER}/{ONE.name}"


def test_a_folder_of_its_own(tmp_path: Path) -> None:
    store = opened(tmp_path, media="elsewhere", media_base_url="https://pictures.example.org/")
    store.put(ONE)
    assert (tmp_path / "elsewhere" / ONE.name).is_file()
    assert store.url(ONE.name) == f"https://pictures.example.org/{ONE.name}"


@pytest.mark.parametrize("wrong", ["http://bucket/x", "s3://", "s3://Grand/x", "s3://a b/c", "ftp://x"])
def test_an_address_that_is_neither_is_refused(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(ConfigError, match="s3://bucket/prefix"):
        opened(tmp_path, media=wrong)


def test_a_bucket_needs_its_public_address(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="media_base_url"):
        opened(tmp_path, media="s3://kess-kis-pass")


def test_a_bucket_that_does_not_exist_needs_a_person(tmp_path: Path, s3: str, bucket: MediaStore) -> None:
    with pytest.raises(NotAuthorised, match="another-one") as caught:
        at_bucket(tmp_path, s3, "another-one").put(ONE)
    assert "needle" not in repr(caught.value) + str(caught.value.__cause__)


def test_a_bucket_that_cannot_be_reached_is_tried_later(tmp_path: Path, keys: None) -> None:
    with pytest.raises(Unavailable, match="cannot be reached"):
        at_bucket(tmp_path, "http://127.0.0.1:9").put(ONE)


def test_without_access_a_person_is_asked(tmp_path: Path, s3: str, monkeypatch: pytest.MonkeyPatch, keys: None) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(NotAuthorised):
        at_bucket(tmp_path, s3).put(ONE)
