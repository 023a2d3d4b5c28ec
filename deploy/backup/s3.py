"""A bucket as a store. Keys, region and endpoint are boto3's own: AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL, AWS_CA_BUNDLE, ~/.aws, instance roles."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import (  # type: ignore[import-untyped]
    BotoCoreError,
    ClientError,
    HTTPClientError,
)

from deploy.backup.problems import BackupError, UsageError
from deploy.backup.stores import Entry, Reader, Writer

PART = 16 * 1024 * 1024
# An upload has 10,000 parts at most: with parts that grow, they are enough for 880 GB.
GROW_EVERY = 1000


class S3Store:
    """The objects under one prefix of a bucket. An object appears when its upload is complete."""

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix

    @classmethod
    def of(cls, place: str) -> S3Store:
        """The store of `s3://bucket/prefix`. Raises `UsageError`."""
        match = re.fullmatch(r"s3://([A-Za-z0-9._-]{3,63})(/.*)?", place)
        if match is None:
            raise UsageError("BACKUP_STORE must be like s3://bucket/prefix")
        prefix = (match[2] or "").strip("/")
        own = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        style = os.environ.get("BACKUP_S3_ADDRESSING") or ("path" if own else "auto")
        config = Config(
            connect_timeout=10,
            read_timeout=60,
            retries={"mode": "standard", "max_attempts": 5},
            s3={"addressing_style": style},
        )
        try:
            # boto3 itself reads AWS_DEFAULT_REGION only, unlike every other tool.
            region = os.environ.get("AWS_REGION") or None
            client = boto3.client("s3", config=config, region_name=region)
        except (BotoCoreError, ValueError) as error:
            raise UsageError(f"BACKUP_STORE: {error}") from error
        return cls(client, match[1], f"{prefix}/" if prefix else "")

    def entries(self) -> list[Entry]:
        """Every object under the prefix, and every upload that was never completed."""
        found = []
        about = {"Bucket": self._bucket, "Prefix": self._prefix}
        with self._told("the list"):
            pages = self._client.get_paginator("list_objects_v2").paginate(**about)
            for item in (item for page in pages for item in page.get("Contents", ())):
                name = item["Key"].removeprefix(self._prefix)
                found.append(Entry(name, item["Size"], item["LastModified"]))
            found += [
                Entry(each["Key"].removeprefix(self._prefix), 0, each["Initiated"], partial=True)
                for each in self._uploads()
            ]
        return [each for each in found if "/" not in each.name]

    def _uploads(self) -> Iterator[Any]:
        about = {"Bucket": self._bucket, "Prefix": self._prefix}
        try:
            pages = self._client.get_paginator("list_multipart_uploads").paginate(**about)
            for page in pages:
                yield from page.get("Uploads", ())
        except ClientError as error:
            # Not every store has this list, nor every key the right to it; a lifecycle rule of
            # the bucket is the other way to be rid of uploads that were given up.
            if _status(error) not in {403, 404, 405, 501}:
                raise

    @contextmanager
    def writing(self, name: str) -> Iterator[Writer]:
        """Uploads in parts; memory holds one of them."""
        upload = _Upload(self._client, {"Bucket": self._bucket, "Key": f"{self._prefix}{name}"})
        with self._told(name):
            try:
                yield upload
                upload.complete()
            except BaseException:
                upload.abort()
                raise

    @contextmanager
    def reading(self, name: str) -> Iterator[Reader]:
        """The object's content."""
        with self._told(name):
            answer = self._client.get_object(Bucket=self._bucket, Key=f"{self._prefix}{name}")
            body: Reader = answer["Body"]
            try:
                yield body
            finally:
                answer["Body"].close()

    def local(self, name: str) -> Path | None:
        """Nowhere."""
        del name
        return None

    def delete(self, entry: Entry) -> None:
        """Deletes the object, or gives its uploads up."""
        key = f"{self._prefix}{entry.name}"
        with self._told(entry.name):
            if not entry.partial:
                self._client.delete_object(Bucket=self._bucket, Key=key)
                return
            for each in list(self._uploads()):
                if each["Key"] == key and each["Initiated"] <= entry.modified:
                    self._client.abort_multipart_upload(
                        Bucket=self._bucket, Key=key, UploadId=each["UploadId"]
                    )

    def free(self) -> int | None:
        """A bucket has no end."""
        return None

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            place = f"s3://{self._bucket}/{self._prefix}"
            if _status(error) == 404:
                raise BackupError(f"{what} of {place} is not there") from error
            raise BackupError(f"{what} of {place}: {error}") from error
        except (BotoCoreError, HTTPClientError) as error:
            raise BackupError(f"{what} of s3://{self._bucket}/{self._prefix}: {error}") from error


class _Upload:
    def __init__(self, client: Any, about: dict[str, str]) -> None:
        self._client = client
        self._about = about
        self._id = ""
        self._parts: list[dict[str, Any]] = []
        self._buffer = bytearray()

    def write(self, data: bytes) -> int:
        """Keeps the bytes until a part is full."""
        self._buffer += data
        size = PART * (1 + len(self._parts) // GROW_EVERY)
        while len(self._buffer) >= size:
            self._send(bytes(self._buffer[:size]))
            del self._buffer[:size]
        return len(data)

    def flush(self) -> None:
        """Nothing to do: parts go as they fill up."""

    def complete(self) -> None:
        """Makes the object appear."""
        if not self._id:
            self._client.put_object(**self._about, Body=bytes(self._buffer))
            return
        if self._buffer:
            self._send(bytes(self._buffer))
        self._client.complete_multipart_upload(
            **self._about, UploadId=self._id, MultipartUpload={"Parts": self._parts}
        )

    def abort(self) -> None:
        """Gives the parts back; what fails here is cleaned up by a later `prune`."""
        if self._id:
            with suppress(ClientError, BotoCoreError):
                self._client.abort_multipart_upload(**self._about, UploadId=self._id)

    def _send(self, part: bytes) -> None:
        if not self._id:
            self._id = self._client.create_multipart_upload(**self._about)["UploadId"]
        number = len(self._parts) + 1
        answer = self._client.upload_part(
            **self._about, UploadId=self._id, PartNumber=number, Body=part
        )
        sums = {name: answer[name] for name in answer if name.startswith("Checksum")}
        sums.pop("ChecksumType", None)
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"], **sums})


def _status(error: Any) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
