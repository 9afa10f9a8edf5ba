"""A tiny ViT-GPT2 with random weights as optimum exports it, with the decoder that holds both of its forms, and references by PyTorch.

    python scripts/export-merged-decoder.py [--out test/language/models/merged]

optimum writes `decoder_model.onnx`, `decoder_with_past_model.onnx`, and `decoder_model_merged.onnx`, which transformers.js reads: an `If` on
`use_cache_branch` around the two. Kept is what transformers.js downloads. Needs scripts/requirements-optimum.txt.
"""
import argparse
import importlib
import shutil
import tempfile
from pathlib import Path

import onnx
import torch
from optimum.exporters.onnx import onnx_export_from_model
from transformers import GPT2Config, VisionEncoderDecoderConfig, VisionEncoderDecoderModel, ViTConfig

common = importlib.import_module("export-language-models")


def slim(file, to):
    """Without the exporter's notes, which are larger than the model."""
    model = onnx.load(file)

    def bare(graph):
        del graph.value_info[:]
        for node in graph.node:
            node.doc_string = node.name = ""
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    bare(attribute.g)

    bare(model.graph)
    to.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, to)


def make(folder):
    tokenizer, words = common.bpe_tokenizer()
    end = tokenizer.token_to_id("<|endoftext|>")
    vit = ViTConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=24, image_size=common.SIDE, patch_size=8)
    gpt = GPT2Config(vocab_size=words, n_positions=24, n_embd=16, n_layer=1, n_head=2, n_inner=24, add_cross_attention=True, is_decoder=True, bos_token_id=end, eos_token_id=end)
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(vit, gpt)
    config.decoder_start_token_id = config.pad_token_id = config.eos_token_id = end
    most = 8

    def scores(model, hidden, words):
        return model.decoder(input_ids=torch.tensor([words]), encoder_hidden_states=hidden, use_cache=False).logits

    def say(model):
        hidden = model.encoder(pixel_values=common.picture()).last_hidden_state
        return common.greedy(lambda words: scores(model, hidden, words)[0, -1], end, end, most)

    model = common.varied(lambda seed: common.spread(VisionEncoderDecoderModel(config), seed, 2.5), say)
    with tempfile.TemporaryDirectory() as made:
        onnx_export_from_model(model, made, task="image-to-text-with-past", do_validation=False, opset=common.OPSET)
        for name in ["encoder_model", "decoder_model_merged"]:
            slim(Path(made) / f"{name}.onnx", folder / f"onnx/{name}.onnx")
        shutil.copy(Path(made) / "config.json", folder / "config.json")
    special = {"decoder_start_token_id": end, "bos_token_id": end, "eos_token_id": end, "pad_token_id": end}
    common.write_json(folder / "generation_config.json", {**special, "max_length": most + 1})
    common.write_common(folder, tokenizer)

    model = model.double()
    pixels = common.picture().double().requires_grad_()
    hidden = model.encoder(pixel_values=pixels).last_hidden_state
    step = lambda words: scores(model, hidden, words)[0, -1].detach()
    said = common.greedy(step, end, end, most)
    beamed = common.beam(step, end, end, most, 3)
    common.reference(folder, tokenizer, scores(model, hidden, [end] + said[:-1]), said, hidden, pixels, beamed, prefix=1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default=Path(__file__).parent.parent / "test/language/models/merged", type=Path)
    folder = parser.parse_args().out
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    make(folder)
    size = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
    print(f"{folder.name}: {size / 1024:.0f} KB")
