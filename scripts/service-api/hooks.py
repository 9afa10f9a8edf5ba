"""Puts a real picture into half of the requests, so that the questions about it are reached."""

import base64
import pathlib
import random

import schemathesis

PHOTO = pathlib.Path(__file__).parents[2] / "examples/images/cat-and-cup.jpg"
PICTURE = PHOTO.read_bytes()
draw = random.Random(1)


@schemathesis.hook
def map_body(context, body):
    if isinstance(body, dict) and "image" in body and draw.random() < 0.5:
        text = isinstance(body["image"], str)
        return {**body, "image": base64.b64encode(PICTURE).decode() if text else PICTURE}
    return body
