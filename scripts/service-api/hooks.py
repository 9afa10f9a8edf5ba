"""Puts a real picture into half of the requests, so that the questions about it are reached."""

import base64
import pathlib
import random

import schemathesis

PHOTO = pathlib.Path(__file__).parents[2] / "examples/images/cat-and-cup.jpg"
PICTURE = PHOTO.read_bytes()
draw = random.Random(1)


def is_file(image):
    """Whether the schema takes it: what is wrong on purpose must stay wrong."""
    try:
        return len(base64.b64decode(image, validate=True) if isinstance(image, str) else image) > 0
    except (ValueError, TypeError):
        return False


@schemathesis.hook
def map_body(context, body):
    if isinstance(body, dict) and is_file(body.get("image")) and draw.random() < 0.5:
        text = isinstance(body["image"], str)
        return {**body, "image": base64.b64encode(PICTURE).decode() if text else PICTURE}
    return body
