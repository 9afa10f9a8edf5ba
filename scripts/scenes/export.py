"""Write the trained scene models as ONNX files in the layouts that users' models have, under models/.

    python scripts/scenes/export.py DATA CHECKPOINT... [--out models] [--untrained]

A checkpoint holds a trunk and one or several heads; every head becomes a model of its own, but the answerer and the comparer one
together. Batch normalisation is folded into the
convolutions; weights are float16 with a Cast, biases float32. Ends with a comparison of the files with PyTorch.
"""

import argparse
import json
from pathlib import Path

import torch
from torch import nn

from model_files import write_json, write_onnx, write_sums
from networks import Answerer, Comparer, ComparingAnswerer, RecurrentCaptioner, TransformerCaptioner, Trunk

START, END, LONGEST = 1, 2, 14


class Recipe(nn.Module):
    """A part of a model with the forward pass that its file shall have."""

    def __init__(self, run, **parts):
        super().__init__()
        self.parts = nn.ModuleDict(parts)
        self.run = run

    def forward(self, *inputs):
        return self.run(*inputs)


def preprocessor(side):
    return {
        "image_processor_type": "ViTImageProcessor",
        "do_resize": True,
        "size": {"height": side, "width": side},
        "resample": 2,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
    }


def tokenizer(vocabulary, special, british):
    """A word is a token: WordPiece without pieces, since not every reader of tokenizer.json knows WordLevel."""
    added = [
        {"id": i, "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        for i, token in enumerate(special)
    ]
    replace = lambda pattern, content: {"type": "Replace", "pattern": {"String": pattern}, "content": content}
    normalizers = [{"type": "Lowercase"}, replace("?", "")]
    if british:
        normalizers.append(replace("color", "colour"))
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": {"type": "Sequence", "normalizers": normalizers},
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": False},
        "model": {
            "type": "WordPiece",
            "unk_token": "<unk>",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {word: i for i, word in enumerate(vocabulary)},
        },
    }


TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}


def write_text(directory, world, length):
    write_json(directory / "preprocessor_config.json", preprocessor(world["side"]))
    write_json(directory / "tokenizer.json", tokenizer(world["vocabulary"], world["specialTokens"], "colour" in world["vocabulary"]))
    write_json(
        directory / "tokenizer_config.json",
        {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": length, "padding_side": "right", **TOKENS},
    )


def examples(world):
    torch.manual_seed(0)
    side = world["side"]
    return torch.rand(2, 3, side, side) * 2 - 1, torch.randint(4, len(world["vocabulary"]), (2, 7))


def write_recurrent(directory, trunk, head, world):
    pixels, words = examples(world)
    encode = Recipe(lambda x: head.encode(head.relations(trunk(x))), trunk=trunk, head=head)
    write_onnx(
        directory / "encoder.onnx", encode, {"pixel_values": pixels}, ["features", "h0", "c0"],
        {"pixel_values": {0: "batch"}, "features": {0: "batch"}, "h0": {1: "batch"}, "c0": {1: "batch"}}, "grid",
    )

    def step(features, word, h, c):
        logits, h, c = head.step(features, word, h, c)
        return logits.squeeze(1), h, c

    with torch.no_grad():
        features, h, c = encode(pixels)
    write_onnx(
        directory / "decoder.onnx", Recipe(step, head=head),
        {"features": features, "word": words[:, :1].contiguous(), "h": h, "c": c}, ["logits", "h_next", "c_next"],
        {
            **{name: {0: "batch"} for name in ("features", "word", "logits")},
            **{name: {1: "batch"} for name in ("h", "c", "h_next", "c_next")},
        },
    )
    write_json(
        directory / "captioner.json",
        {
            "task": "image-captioning",
            "encoder": {"model": "encoder.onnx", "image": "pixel_values"},
            "decoder": {
                "model": "decoder.onnx",
                "features": {"features": "features"},
                "word": "word",
                "logits": "logits",
                "states": [
                    {"input": "h", "output": "h_next", "start": "h0"},
                    {"input": "c", "output": "c_next", "start": "c0"},
                ],
            },
            "start_token_id": START,
            "end_token_id": END,
            "max_length": LONGEST,
        },
    )
    write_text(directory, world, LONGEST)


def write_transformer(directory, trunk, head, world):
    pixels, words = examples(world)
    encode = Recipe(lambda x: head.encode(head.relations(trunk(x))), trunk=trunk, head=head)
    write_onnx(
        directory / "onnx/encoder_model.onnx", encode, {"pixel_values": pixels}, ["last_hidden_state"],
        {"pixel_values": {0: "batch"}, "last_hidden_state": {0: "batch"}}, "grid",
    )
    with torch.no_grad():
        picture = encode(pixels)
    write_onnx(
        directory / "onnx/decoder_model.onnx", Recipe(head.decode, head=head),
        {"input_ids": words, "encoder_hidden_states": picture}, ["logits"],
        {
            "input_ids": {0: "batch", 1: "length"},
            "encoder_hidden_states": {0: "batch"},
            "logits": {0: "batch", 1: "length"},
        },
    )
    tokens = {"decoder_start_token_id": START, "bos_token_id": START, "eos_token_id": END, "pad_token_id": 0}
    write_json(directory / "generation_config.json", {**tokens, "max_length": LONGEST, "num_beams": 1, "do_sample": False})
    width = picture.shape[2]
    write_json(
        directory / "config.json",
        {
            "model_type": "vision-encoder-decoder",
            "architectures": ["VisionEncoderDecoderModel"],
            "is_encoder_decoder": True,
            **tokens,
            "vocab_size": len(world["vocabulary"]),
            "encoder": {"model_type": "cnn", "image_size": world["side"], "num_channels": 3, "hidden_size": width},
            "decoder": {"model_type": "transformer", "is_decoder": True, "add_cross_attention": True, "hidden_size": width, "vocab_size": len(world["vocabulary"])},
        },
    )
    write_text(directory, world, LONGEST)


def write_answerer(directory, trunk, head, world):
    pixels, words = examples(world)
    words[1, 5:] = 0
    write_onnx(
        directory / "model.onnx", Recipe(lambda x, q: head(trunk(x), q), trunk=trunk, head=head),
        {"pixel_values": pixels, "input_ids": words}, ["logits"],
        {"pixel_values": {0: "batch"}, "input_ids": {0: "batch", 1: "length"}, "logits": {0: "batch"}}, "grid",
    )
    write_json(
        directory / "config.json",
        {
            "model_type": "visual-question-answering",
            "architectures": ["FilmAnswerer"],
            "image_size": world["side"],
            "num_channels": 3,
            "max_length": world["questionLength"],
            "pad_token_id": 0,
            "vocab_size": len(world["vocabulary"]),
            "id2label": {str(i): answer for i, answer in enumerate(world["answers"])},
        },
    )
    write_text(directory, world, world["questionLength"])


HEADS = {
    "recurrent": ("scenes-captioner", write_recurrent, lambda words, answers: RecurrentCaptioner(words)),
    "transformer": ("scenes-captioner-transformer", write_transformer, lambda words, answers: TransformerCaptioner(words)),
    "answerer": ("scenes-answerer", write_answerer, Answerer),
    "comparer": ("scenes-answerer", write_answerer, lambda words, answers: Comparer(words)),
}


def heads_of(checkpoint, world):
    """The heads of a checkpoint, by name, and their trunk."""
    saved = torch.load(checkpoint, weights_only=True)["network"]
    inside = lambda prefix: {name[len(prefix) :]: value for name, value in saved.items() if name.startswith(prefix)}
    trunk = Trunk()
    trunk.load_state_dict(inside("trunk."))
    for name, (_, _, make) in HEADS.items():
        weights = inside(f"heads.{name}.")
        if weights:
            head = make(len(world["vocabulary"]), len(world["answers"]))
            head.load_state_dict(weights)
            yield name, trunk, head


def joined(parts, world):
    """The parts, a comparer being put into the answerer whose trunk it shares."""
    heads = {name: head for name, _, head in parts}
    for name, trunk, head in parts:
        if name == "answerer":
            yield name, trunk, ComparingAnswerer(head, heads["comparer"], len(world["answers"]))
        elif name != "comparer":
            yield name, trunk, head


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("world", type=Path, help="world.json of the training data")
    parser.add_argument("checkpoints", type=Path, nargs="*", help="none: random weights, to try the layouts")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[2] / "models")
    options = parser.parse_args()
    world = json.loads(options.world.read_text())
    parts = [part for checkpoint in options.checkpoints for part in heads_of(checkpoint, world)]
    if not options.checkpoints:
        torch.manual_seed(0)
        sizes = len(world["vocabulary"]), len(world["answers"])
        parts = [(name, Trunk(), make(*sizes)) for name, (_, _, make) in HEADS.items()]
    if len({"answerer", "comparer"} & {name for name, *_ in parts}) == 1:
        parser.error("the answerer and its comparer make one model: give the checkpoints of both")
    for name, trunk, head in joined(parts, world):
        directory, write, _ = HEADS[name]
        write(options.out / directory, trunk.eval(), head.eval(), world)
        write_sums(options.out / directory)


if __name__ == "__main__":
    main()
