"""The file stores: a local folder and a real S3 server, byte for byte."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from urllib.request import urlopen

import boto3
import pytest
from django.core.files.base import ContentFile
from moto.server import ThreadedMotoServer

from fulfillment import storages
from fulfillment.storages import DEFAULT, SECOND, Found, Missing, StoreFailed, Unreachable, VersionTaken

CONTENT = bytes(range(256)) * 1_000
DIGEST = hashlib.sha256(CONTENT).hexdigest()
PLACE = "demo/ebooks/guide/1.0/file.pdf"


def folder(location: Path) -> dict[str, Any]:
    return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": location}}


def bucket(endpoint: str, **options: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "bucket_name": "assets",
        "endpoint_url": endpoint,
        "region_name": "us-east-1",
        "access_key": "test",
        "secret_key": "test",
        "signature_version": "s3v4",
        "addressing_style": "path",
    }
    return {"BACKEND": "fulfillment.providers.s3.Bucket", "OPTIONS": usual | options}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def s3(server: str, settings: Any) -> Any:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=server, **keys)
    client.create_bucket(Bucket="assets")
    settings.STORAGES = settings.STORAGES | {DEFAULT: bucket(server)}
    settings.STORAGES.pop(SECOND, None)
    yield client
    for entry in client.list_objects_v2(Bucket="assets").get("Contents", []):
        client.delete_object(Bucket="assets", Key=entry["Key"])


@pytest.fixture
def local(tmp_path: Path, settings: Any) -> Path:
    place = tmp_path / "files"
    place.mkdir()
    settings.STORAGES = {**settings.STORAGES, DEFAULT: folder(place)}
    settings.STORAGES.pop(SECOND, None)
    return place


@pytest.fixture
def both(local: Path, s3: Any, server: str, settings: Any) -> Path:
    settings.STORAGES = {**settings.STORAGES, DEFAULT: bucket(server), SECOND: folder(local)}
    return local


def save(content: bytes = CONTENT, *, version: str = "1.0") -> storages.Saved:
    return storages.save_version(
        "guide", version, "My Guide.PDF", ContentFile(content), organization="demo", content_type="application/pdf"
    )


@pytest.mark.parametrize("store", ["local", "s3"])
def test_a_saved_version_lies_at_its_path_whole(store: str, request: Any) -> None:
    request.getfixturevalue(store)
    saved = save()
    assert (saved.path, saved.size, saved.checksum, saved.absent) == (PLACE, len(CONTENT), DIGEST, ())
    found = storages.inspect(DEFAULT, PLACE)
    assert isinstance(found, Found)
    assert found.size == len(CONTENT)
    assert storages.inspect(DEFAULT, PLACE, thorough=True) == Found(len(CONTENT), DIGEST, found.etag)


@pytest.mark.parametrize("store", ["local", "s3"])
def test_a_version_is_never_overwritten_and_the_same_file_again_is_no_error(store: str, request: Any) -> None:
    request.getfixturevalue(store)
    assert save() == save()
    with pytest.raises(VersionTaken, match="new version"):
        save(b"something else")
    assert storages.inspect(DEFAULT, PLACE, thorough=True) == storages.inspect(DEFAULT, save().path, thorough=True)


@pytest.mark.parametrize("store", ["local", "s3"])
def test_a_file_is_read_from_any_byte_to_any_byte(store: str, request: Any) -> None:
    request.getfixturevalue(store)
    save()
    for start, stop in [(0, len(CONTENT)), (0, 1), (70_000, 200_000), (len(CONTENT) - 1, len(CONTENT)), (5, 5)]:
        assert b"".join(storages.chunks(DEFAULT, PLACE, start=start, stop=stop)) == CONTENT[start:stop]


@pytest.mark.parametrize("store", ["local", "s3"])
def test_what_is_not_there_is_missing(store: str, request: Any) -> None:
    request.getfixturevalue(store)
    for path in ("demo/none.pdf", "../../etc/passwd", "demo", "", "a\x00b"):
        assert storages.inspect(DEFAULT, path) == Missing()
        with pytest.raises(StoreFailed):
            storages.chunks(DEFAULT, path, stop=10)


def test_a_stream_left_unread_is_closed(local: Path) -> None:
    save()
    stream = storages.chunks(DEFAULT, PLACE, stop=10)
    stream.close()
    assert b"".join(storages.open_local(PLACE)) == CONTENT


def test_a_file_cut_short_is_noticed_while_it_is_read(local: Path) -> None:
    save()
    (local / PLACE).write_bytes(CONTENT[:100])
    with pytest.raises(StoreFailed, match="announced length"):
        list(storages.chunks(DEFAULT, PLACE, stop=len(CONTENT)))


def test_a_wrong_file_is_found_out(local: Path) -> None:
    save()
    (local / PLACE).write_bytes(CONTENT[::-1])
    found = storages.inspect(DEFAULT, PLACE, thorough=True)
    assert isinstance(found, Found)
    assert found.checksum != DIGEST


def test_no_half_file_is_ever_at_the_place_of_a_whole_one(local: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreFailed, match="No space left"):
        save()
    assert storages.inspect(DEFAULT, PLACE) == Missing()
    monkeypatch.undo()
    assert save().checksum == DIGEST


def test_a_store_whose_folder_is_gone_is_unreachable(local: Path) -> None:
    save()
    local.rename(local.with_name("moved"))
    assert storages.inspect(DEFAULT, PLACE) == Unreachable("the folder of the file store is gone.")


def test_s3_keeps_the_checksum_beside_the_file(s3: Any) -> None:
    save()
    found = storages.inspect(DEFAULT, PLACE)
    assert isinstance(found, Found)
    assert found.checksum == DIGEST
    assert s3.head_object(Bucket="assets", Key=PLACE)["ContentType"] == "application/pdf"
    s3.put_object(Bucket="assets", Key=PLACE, Body=CONTENT)
    assert storages.inspect(DEFAULT, PLACE) == Found(len(CONTENT), None, found.etag)


def test_a_signed_address_gives_the_file_byte_for_byte_under_its_name(s3: Any) -> None:
    save()
    name = "Über „Öl“; Teil 1.pdf"
    url = storages.temporary_url(DEFAULT, PLACE, filename=name, content_type="application/pdf", seconds=60)
    assert url
    assert "X-Amz-Expires=60" in url
    with urlopen(url) as answer:
        assert answer.read() == CONTENT
        assert answer.headers["Content-Type"] == "application/pdf"
        assert unquote(answer.headers["Content-Disposition"].rsplit("''", 1)[1]) == name


def test_a_signed_address_lives_five_minutes_at_most(s3: Any) -> None:
    with pytest.raises(ValueError, match="300"):
        storages.temporary_url(DEFAULT, PLACE, filename="a.pdf", content_type="application/pdf", seconds=301)


def test_an_address_that_would_be_public_is_not_given_out(s3: Any, server: str, settings: Any) -> None:
    settings.STORAGES = settings.STORAGES | {DEFAULT: bucket(server, custom_domain="files.example.com")}
    assert storages.temporary_url(DEFAULT, PLACE, filename="a.pdf", content_type="application/pdf") is None


def test_a_local_file_has_no_address(local: Path) -> None:
    assert storages.temporary_url(DEFAULT, PLACE, filename="a.pdf", content_type="application/pdf") is None


def test_a_version_is_kept_in_both_stores(both: Path) -> None:
    saved = save()
    assert saved.in_second
    assert storages.aliases() == (DEFAULT, SECOND)
    assert storages.aliases(False) == (DEFAULT,)
    for alias in storages.aliases():
        assert b"".join(storages.chunks(alias, PLACE, stop=saved.size)) == CONTENT


def test_when_one_store_is_down_the_other_takes_the_file_and_gives_it_back_later(
    both: Path, server: str, settings: Any
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        unused = listener.getsockname()[1]
    settings.STORAGES = settings.STORAGES | {DEFAULT: bucket(f"http://127.0.0.1:{unused}")}
    saved = save()
    assert [alias for alias, _ in saved.absent] == [DEFAULT]
    assert isinstance(storages.inspect(DEFAULT, PLACE), Unreachable)
    with pytest.raises(StoreFailed):
        storages.chunks(DEFAULT, PLACE, stop=1)
    settings.STORAGES = settings.STORAGES | {DEFAULT: bucket(server)}
    assert storages.inspect(DEFAULT, PLACE) == Missing()
    storages.copy(PLACE, source=SECOND, target=DEFAULT, content_type="application/pdf")
    assert storages.inspect(DEFAULT, PLACE, thorough=True) == storages.inspect(DEFAULT, PLACE)


def test_when_no_store_takes_it_nothing_is_said_to_be_saved(settings: Any, tmp_path: Path) -> None:
    blocked = tmp_path / "a-file"
    blocked.write_text("in the way")
    settings.STORAGES = {**settings.STORAGES, DEFAULT: folder(blocked)}
    settings.STORAGES.pop(SECOND, None)
    with pytest.raises(StoreFailed):
        save()


@pytest.mark.parametrize(
    ("slug", "version", "filename", "path"),
    [
        ("guide", "1.0", "Guide.PDF", "demo/ebooks/guide/1.0/file.pdf"),
        ("guide", "2", "archive.tar.gz", "demo/ebooks/guide/2/file.gz"),
        ("guide", "2", "README", "demo/ebooks/guide/2/file.bin"),
        ("guide", "2", "x.../../p", "demo/ebooks/guide/2/file.bin"),
    ],
)
def test_a_path_names_product_version_and_format(slug: str, version: str, filename: str, path: str) -> None:
    assert storages.path_of(slug, version, filename, organization="demo") == path


def test_no_two_products_or_versions_share_a_path_and_none_leaves_its_folder() -> None:
    names = ["a/b", "a-b", "a b", "..", ".", "", "../../etc", "ä", "a", "A", "a.", "x" * 300, "\x00", "%2e%2e", "日本"]
    paths = {storages.path_of(name, "1", "f.pdf", organization="demo") for name in names}
    assert len(paths) == len(names)
    assert all(path.count("/") == 4 and ".." not in path.split("/") and len(path) < 200 for path in paths)


@pytest.mark.parametrize(
    ("filename", "plain", "shown"),
    [
        ("Guide.pdf", "Guide.pdf", "Guide.pdf"),
        ("Größe.pdf", "Groe.pdf", "Größe.pdf"),
        ('a"b\r\nSet-Cookie: x.pdf', "a_b__Set-Cookie_ x.pdf", "a_b__Set-Cookie_ x.pdf"),
        ("../../etc/passwd", "_.._etc_passwd", "_.._etc_passwd"),
        ("日本.pdf", ".pdf", "日本.pdf"),
        ("", "download", "download"),
        ("\ud800", "download", "?"),
    ],
)
def test_a_file_is_named_safely_in_plain_and_in_its_own_letters(filename: str, plain: str, shown: str) -> None:
    header = storages.content_disposition(filename)
    assert header.isascii()
    assert header.isprintable()
    assert header.startswith(f'attachment; filename="{plain}"; ')
    assert unquote(header.rsplit("''", 1)[1]) == shown
