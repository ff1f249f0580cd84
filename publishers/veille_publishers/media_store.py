"""Where Instagram fetches pictures: a folder that a web server shows, or an S3-compatible bucket.

Instagram takes a public address and no bytes (Meta, "Content publishing", read 2026-09-11). Names are hashes of the
content, so that a picture never changes under its address and nobody guesses the next one. A picture is put there
when its post is handed over, and taken away a day after that: until then Instagram may fetch it again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from veille.config import Config
from veille.errors import ConfigError, NotAuthorised, PublishError, Unavailable
from veille.i18n import gettext as _
from veille.publishing import File
from veille_publishers import files
from veille_publishers.http import CONNECT_SECONDS, READ_SECONDS

if TYPE_CHECKING:
    from botocore.client import BaseClient

FOLDER = "media/instagram"  # below the pages, so that the server which shows them shows these too
NAME = re.compile(r"[0-9a-f]{20}\.jpg")
_REFUSED = ("AccessDenied", "AllAccessDisabled", "InvalidAccessKeyId", "NoSuchBucket", "SignatureDoesNotMatch")
_TRIES = 3  # putting and removing the same name again does no harm


class MediaStore(Protocol):
    """A place on the web for pictures, each under a name that follows from its bytes."""

    def put(self, file: File) -> None:
        """Make a picture public, if it is not.

        Raises:
            NotAuthorised: the place needs a person: access, or no such bucket.
            Unavailable: not now.
        """
        ...

    def url(self, name: str) -> str:
        """Its public address."""
        ...

    def names(self) -> Iterable[str]:
        """Every picture that is there. Raises: as `put`."""
        ...

    def remove(self, name: str) -> None:
        """Take a picture away, if it is there. Raises: as `put`."""
        ...


def open_store(config: Config) -> MediaStore:
    """The place that `[instagram] media` names; the folder of the pages when it names none.

    Raises:
        ConfigError: a bucket without its public address, or the package that speaks to it is missing.
    """
    settings = config.settings.instagram
    base = settings.media_base_url.rstrip("/")
    if settings.media.startswith("s3://"):
        return _bucket(settings, base)
    if settings.media:
        return FolderStore(config.root / settings.media, base or f"{config.settings.workspace.base_url}/{FOLDER}")
    web = config.settings.web
    pages = config.root / web.output if web.transport == "folder" else config.outbox_dir / "web"
    return FolderStore(pages / FOLDER, base or f"{config.settings.workspace.base_url}/{FOLDER}")


class FolderStore:
    """A folder that `veille serve` or any web server shows."""

    def __init__(self, folder: Path, base_url: str) -> None:
        self._folder = folder
        self._base_url = base_url

    def put(self, file: File) -> None:
        """See `MediaStore`."""
        files.write(self._folder / file.name, file.content)

    def url(self, name: str) -> str:
        """See `MediaStore`."""
        return f"{self._base_url}/{name}"

    def names(self) -> Iterable[str]:
        """See `MediaStore`."""
        with files.speaking_of(self._folder):
            return [path.name for path in self._folder.glob("*.jpg")] if self._folder.is_dir() else []

    def remove(self, name: str) -> None:
        """See `MediaStore`."""
        with files.speaking_of(self._folder):
            (self._folder / name).unlink(missing_ok=True)


class BucketStore:
    """An S3-compatible bucket; access as boto3 finds it (AWS_ACCESS_KEY_ID …, a profile, the machine's role).

    Args:
        prefix: of every name in the bucket, with its slash; "" for none.
        base_url: where people see what lies below the prefix.
    """

    def __init__(self, client: BaseClient, bucket: str, prefix: str, base_url: str) -> None:
        self._client: Any = client  # boto3 makes its methods while it runs
        self._bucket = bucket
        self._prefix = prefix
        self._base_url = base_url

    def put(self, file: File) -> None:
        """See `MediaStore`."""
        with _translated(self._bucket):
            self._client.put_object(
                Bucket=self._bucket,
                Key=self._prefix + file.name,
                Body=file.content,
                ContentType=file.media_type,
                CacheControl="public, max-age=86400, immutable",
            )

    def url(self, name: str) -> str:
        """See `MediaStore`."""
        return f"{self._base_url}/{name}"

    def names(self) -> Iterable[str]:
        """See `MediaStore`."""
        with _translated(self._bucket):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            return [item["Key"].removeprefix(self._prefix) for page in pages for item in page.get("Contents", ())]

    def remove(self, name: str) -> None:
        """See `MediaStore`."""
        with _translated(self._bucket):
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)


def take_away(store: MediaStore, known: Iterable[str], needed: Iterable[str]) -> int:
    """Remove pictures that no post needs any more. Returns how many.

    Args:
        known: names that were ever ours: others may keep files at the same place.
        needed: names that Instagram may still fetch.
    """
    over = set(store.names()) & set(known) - set(needed)
    for name in sorted(over):
        if NAME.fullmatch(name):
            store.remove(name)
    return len(over)


def _bucket(settings: Any, base_url: str) -> BucketStore:
    if not base_url:
        raise ConfigError(
            _("{setting} is missing").format(setting="instagram.media_base_url"),
            hint=_("write under which https address everybody sees what lies in {place}").format(place=settings.media),
        )
    try:
        import boto3
        from botocore.config import Config as Options
    except ImportError:
        raise ConfigError(
            _("pictures cannot be put into a bucket: the package boto3 is missing"),
            hint=_('install it with: pip install "veille[s3]"'),
        ) from None
    parts = urlsplit(settings.media)
    prefix = parts.path.strip("/")
    client = boto3.Session().client(
        "s3",
        endpoint_url=settings.media_endpoint or None,
        region_name=settings.media_region or None,
        config=Options(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"total_max_attempts": _TRIES},
            # Many services that speak S3 know no checksums in trailers, which newer releases send by default.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
    return BucketStore(client, parts.netloc, f"{prefix}/" if prefix else "", base_url)


@contextmanager
def _translated(bucket: str) -> Iterator[None]:
    """What went wrong, as one of our errors; never boto's words, which may hold a key."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

    try:
        yield
    except ClientError as error:
        raise _refused(bucket, str(error.response.get("Error", {}).get("Code", ""))) from None
    except NoCredentialsError:
        raise _refused(bucket, "NoCredentials") from None
    except BotoCoreError as error:
        detail = type(error).__name__
        words = _("the bucket {name} cannot be reached").format(name=bucket)
        hint = _("check the network and instagram.media_endpoint; it is tried again")
        raise Unavailable(words, hint=hint, detail=detail, about_us=True) from None


def _refused(bucket: str, code: str) -> PublishError:
    if code in _REFUSED or code == "NoCredentials":
        return NotAuthorised(
            _("the bucket {name} does not let us in").format(name=bucket),
            hint=_("check its name and its access (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or a profile)"),
            detail=code,
        )
    return Unavailable(_("the bucket {name} gave no usable answer").format(name=bucket), detail=code, about_us=True)
