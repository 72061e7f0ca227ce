"""Django's storage API on S3, by django-storages and boto3, unmodified."""

import json
import os
import traceback

import django
from django.conf import settings
from django.core.files.base import ContentFile

if not settings.configured:
    settings.configure(
        USE_TZ=True,
        STORAGES={
            "default": {
                "BACKEND": "storages.backends.s3.S3Storage",
                "OPTIONS": {
                    "bucket_name": os.environ.get("BUCKET"),
                    "region_name": "eu-central-1",
                    "access_key": "key",
                    "secret_key": "secret",
                    "endpoint_url": os.environ.get("S3_URL"),
                    "use_threads": False,
                    "file_overwrite": False,
                },
            },
        },
    )
    django.setup()

import storages.backends.s3  # noqa: E402, F401: Django would import it in the first request, and it takes long


def create(storage):
    region = {"LocationConstraint": "eu-central-1"}
    storage.connection.create_bucket(Bucket=storage.bucket_name, CreateBucketConfiguration=region)


def small(storage):
    name = storage.save("docs/größe ☃.txt", ContentFile("Größe\n".encode()))
    with storage.open(name) as file:
        text = file.read().decode()
    other = storage.save("docs/größe ☃.txt", ContentFile(b"again"))
    folders, files = storage.listdir("docs")
    result = [name, text, storage.size(name), other != name, folders, sorted(files) == sorted(n[5:] for n in (name, other))]
    for each in (name, other):
        storage.delete(each)
    return [*result, storage.exists(name), storage.exists(other)]


def large(storage):
    data = bytes(range(256)) * (5 * 4096)  # 5 MB
    name = storage.save("large.bin", ContentFile(data))
    with storage.open(name) as file:
        read = file.read()
    result = [storage.size(name), read == data]
    storage.delete(name)
    return result


def written(storage):
    with storage.open("größe ☃.txt", "w") as file:
        file.write("one ")
        file.write("two")
    with storage.open("größe ☃.txt") as file:
        return file.read().decode()


def missing(storage):
    try:
        storage.open("none.txt").read()
    except FileNotFoundError as error:
        return str(error)


def url(storage):
    return [storage.url("größe ☃.txt"), storage.get_modified_time("größe ☃.txt").tzinfo is not None]


VIEWS = {"/create": create, "/small": small, "/large": large, "/written": written, "/missing": missing, "/url": url}


def app(environ, start_response):
    from django.core.files.storage import default_storage

    try:
        status, text = "200 OK", json.dumps(VIEWS[environ["PATH_INFO"]](default_storage))
    except Exception:
        status, text = "500 Internal Server Error", traceback.format_exc()
    start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
    return [text.encode()]
