"""Tiny captioners and question answerers with random weights, in the layouts of users' models, with references by PyTorch.

    python scripts/export-language-models.py [--out test/language/models] [--only NAME]

Of each: the ONNX files and their configuration, and `expected.json`: the sentence that `generate` (or a plain loop) gives, and for every
word its log-probability, the sum of Grad-CAM in front of its rectifier, and the gradient at the pixels, all by autograd in float64.
Needs scripts/requirements.txt.
"""
import argparse
import copy
import json
import math
import shutil
from pathlib import Path

import numpy as np
import onnx
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch import nn
from transformers import (
    BlipConfig,
    BlipForConditionalGeneration,
    BlipForQuestionAnswering,
    GitConfig,
    GitForCausalLM,
    CLIPVisionConfig,
    DynamicCache,
    GPT2Config,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    ViltConfig,
    ViltForQuestionAnswering,
    VisionEncoderDecoderConfig,
    VisionEncoderDecoderModel,
    ViTConfig,
)

SIDE = 32
OPSET = 18
captions = [
    "a small red circle left of a blue square",
    "a large green triangle above a yellow circle",
    "two blue squares right of a striped circle",
    "a dotted red square below a large purple triangle",
]


def picture(side=SIDE):
    """The same picture as in the tests, without a file: bytes, as the network gets them."""
    i = np.arange(3 * side * side, dtype=np.float64)
    pixels = np.floor(127.5 + 60 * np.sin(i * 0.37) + 60 * np.cos(i * 0.011)).astype(np.uint8)
    return torch.tensor(((pixels / 255 - 0.5) / 0.5).astype(np.float32)).reshape(1, 3, side, side)


def spread(model, seed, scale=1.0):
    """Random weights, wide enough that words differ in their probabilities and maps are not flat."""
    torch.manual_seed(seed)
    for name, p in model.named_parameters():
        if p.dim() > 1:
            nn.init.normal_(p, std=scale / math.sqrt(p[0].numel()))
        elif name.endswith("bias"):
            nn.init.normal_(p, std=0.1)
    return model.eval()


def varied(build, say, end=None):
    """The model of the first seed with which a sentence has several words, and an end where one is named; most random ones repeat one."""
    with torch.no_grad():
        return max((build(seed) for seed in range(40)), key=lambda model: (end in (said := say(model)), len(set(said))))


# ----- Tokenisers


def words_tokenizer(*more):
    """Word-level: one token a word, others unknown."""
    vocabulary = ["<pad>", "<start>", "<end>", "<unk>"] + sorted({w for c in captions for w in c.split()} | set(more))
    t = Tokenizer(models.WordLevel({w: i for i, w in enumerate(vocabulary)}, unk_token="<unk>"))
    t.normalizer = normalizers.Lowercase()
    t.pre_tokenizer = pre_tokenizers.Whitespace()
    t.add_special_tokens(["<pad>", "<start>", "<end>", "<unk>"])
    return t, len(vocabulary)


def bpe_tokenizer():
    """GPT-2's kind: byte-level pairs."""
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    t.train_from_iterator(captions, trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, special_tokens=["<|endoftext|>"]))
    return t, t.get_vocab_size()


def piece_tokenizer():
    """BERT's kind: word pieces."""
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer()
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]"]
    t.train_from_iterator([f"{c} ?" for c in captions], trainers.WordPieceTrainer(vocab_size=90, special_tokens=special))
    ids = {w: t.token_to_id(w) for w in special}
    t.post_processor = processors.BertProcessing(("[SEP]", ids["[SEP]"]), ("[CLS]", ids["[CLS]"]))
    return t, t.get_vocab_size()


# ----- Files


def write_json(file, value):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value, indent=1) + "\n")


def write_common(folder, tokenizer, side=SIDE, tokenizer_config=None):
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    write_json(folder / "tokenizer_config.json", tokenizer_config or {})
    size = {"height": side, "width": side}
    processor = {"do_resize": True, "size": size, "resample": 2, "do_normalize": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    write_json(folder / "preprocessor_config.json", {"image_processor_type": "ViTImageProcessor", **processor})


def export(module, args, file, inputs, outputs, dynamic, dynamo=False):
    """TorchScript's exporter for modules of our own; the newer one, which transformers needs, for the others."""
    file.parent.mkdir(parents=True, exist_ok=True)
    common = dict(input_names=inputs, output_names=outputs, opset_version=OPSET)
    with torch.no_grad():
        if not dynamo:
            torch.onnx.export(module, args, str(file), dynamic_axes=dynamic, dynamo=False, **common)
            return
        free = tuple({axis: torch.export.Dim.DYNAMIC for axis in dynamic.get(name, {})} for name in inputs)
        # Sizes of 1 would be taken for fixed.
        wide = tuple(a.expand(2, *a.shape[1:]).contiguous() for a in args)
        torch.onnx.export(module, wide, str(file), dynamic_shapes=(free,), dynamo=True, external_data=False, verbose=False, **common)
    # The exporter's notes on where each node came from are larger than these models.
    model = onnx.load(file)
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in [*model.graph.input, *model.graph.output, *model.graph.initializer]:
        del value.metadata_props[:]
    del model.graph.metadata_props[:]
    del model.graph.value_info[:]
    onnx.save(model, file)


class Outputs(nn.Module):
    """A model with named arguments as one of positional arguments and outputs."""

    def __init__(self, call):
        super().__init__()
        self.call = call

    def forward(self, *args):
        return self.call(*args)


def wrap(model, call):
    module = Outputs(call)
    module.model = model
    return module.eval()


# ----- References


def rounded(values, digits=8):
    return [float(f"{v:.{digits}g}") for v in np.asarray(values, dtype=np.float64).ravel()]


def grad_cam(a, da):
    """The sum before the rectifier; a and da [places, channels] or [channels, h, w]."""
    if a.dim() == 3:
        a, da = a.flatten(1).T, da.flatten(1).T
    return a @ da.mean(0)


def word_references(scores, words, layer, pixels, prefix=0, at=None):
    """`scores` [1, T, V] gives log-probabilities of `words`; `layer` is the activation, its first `prefix` tokens no places."""
    logs = torch.log_softmax(scores[0], -1)
    found = []
    for t, word in enumerate(words):
        da, dx = torch.autograd.grad(logs[t, word], [layer, pixels], retain_graph=True)
        a, da = layer[0], da[0]
        if a.dim() == 2:
            places = a.shape[0] - prefix if at is None else at
            a, da = a[prefix : prefix + places], da[prefix : prefix + places]
        found.append(
            {
                "word": int(word),
                "logProbability": float(logs[t, word].detach()),
                "map": rounded(grad_cam(a, da).detach()),
                # Not every pixel: enough of them to be no accident.
                "pixels": rounded(dx[0].flatten()[::97]),
            }
        )
    return found


def greedy(step, start, end, most):
    words = [start]
    while len(words) <= most:
        word = int(step(words).argmax())
        words.append(word)
        if word == end:
            break
    return words[1:]


def beam(step, start, end, most, beams):
    """The best sentence of `beam_all`."""
    return beam_all(step, start, end, most, beams)[0]


def beam_all(step, start, end, most, beams):
    """The beam search of transformers, with its defaults: length penalty 1, no early stopping; scores over the words without the start."""
    live, done = [([start], 0.0)], []
    for length in range(1, most + 1):
        wider = []
        for words, score in live:
            logs = torch.log_softmax(step(words), -1)
            wider += [(words + [v], score + float(logs[v])) for v in range(len(logs))]
        wider.sort(key=lambda b: -b[1])
        live = []
        for rank, (words, score) in enumerate(wider[: 2 * beams]):
            if words[-1] == end:
                if rank < beams:
                    done.append((words, score / length))
            elif len(live) < beams:
                live.append((words, score))
        done = sorted(done, key=lambda b: -b[1])[:beams]
        if len(done) == beams and live[0][1] / length <= done[-1][1]:
            break
    else:
        done += [(words, score / most) for words, score in live]
    return [words[1:] for words, _ in sorted(done, key=lambda b: -b[1])[:beams]]


# ----- CNN and recurrent step decoder, captioner.json


class Encoder(nn.Module):
    def __init__(self, hidden, state):
        super().__init__()
        layers = [(3, 12), (12, 16), (16, 24)]
        self.cnn = nn.Sequential(*[m for a, b in layers for m in (nn.Conv2d(a, b, 3, 2, 1), nn.ReLU())])
        self.fc = nn.Linear(24, hidden)
        self.state = nn.Linear(24, hidden) if state else None

    def activation(self, x):
        return self.cnn(x)

    def head(self, a):
        pooled = a.mean((2, 3))
        features = torch.tanh(self.fc(pooled))
        return (features, torch.tanh(self.state(pooled))) if self.state else (features,)

    def forward(self, x):
        return self.head(self.activation(x))


class LSTMStep(nn.Module):
    """An LSTM cell whose first state is the image's."""

    def __init__(self, words, hidden):
        super().__init__()
        self.embedding = nn.Embedding(words, hidden)
        self.cell = nn.LSTMCell(hidden, hidden)
        self.out = nn.Linear(hidden, words)

    def forward(self, token, h, c):
        h, c = self.cell(self.embedding(token), (h, c))
        return self.out(h), h, c


class GRUStep(nn.Module):
    """A GRU of one layer over one step, as ONNX's own operator; it reads the image's features at every step and starts from zero."""

    def __init__(self, words, hidden):
        super().__init__()
        self.embedding = nn.Embedding(words, hidden)
        self.gru = nn.GRU(2 * hidden, hidden, batch_first=True)
        self.out = nn.Linear(hidden, words)

    def forward(self, token, features, h):
        x = torch.cat([self.embedding(token), features.unsqueeze(1)], -1)
        y, h = self.gru(x, h)
        return self.out(y), h


def recurrent(folder, kind):
    tokenizer, words = words_tokenizer()
    hidden = 24
    lstm = kind == "lstm"
    encoder = spread(Encoder(hidden, lstm), 1, 1.6)
    # A seed with which the words vary.
    decoder = spread(LSTMStep(words, hidden) if lstm else GRUStep(words, hidden), 25 if lstm else 31, 2.5)
    x = picture()
    batch = lambda *names: {n: {0: "batch"} for n in names}
    if lstm:
        export(encoder, (x,), folder / "encoder.onnx", ["pixel_values"], ["h0", "c0"], batch("pixel_values", "h0", "c0"))
        args = (torch.zeros(1, dtype=torch.int64), torch.zeros(1, hidden), torch.zeros(1, hidden))
        dynamic = batch("token", "h", "c", "logits", "next_h", "next_c")
        export(decoder, args, folder / "decoder.onnx", ["token", "h", "c"], ["logits", "next_h", "next_c"], dynamic)
        states = [{"input": "h", "output": "next_h", "start": "h0"}, {"input": "c", "output": "next_c", "start": "c0"}]
        features = {}
    else:
        export(encoder, (x,), folder / "encoder.onnx", ["pixel_values"], ["features"], batch("pixel_values", "features"))
        args = (torch.zeros(1, 1, dtype=torch.int64), torch.zeros(1, hidden), torch.zeros(1, 1, hidden))
        dynamic = {**batch("token", "features", "logits"), "h": {1: "batch"}, "next_h": {1: "batch"}}
        export(decoder, args, folder / "decoder.onnx", ["token", "features", "h"], ["logits", "next_h"], dynamic)
        states = [{"input": "h", "output": "next_h"}]
        features = {"features": "features"}
    most = 10
    write_json(
        folder / "captioner.json",
        {
            "task": "image-captioning",
            "encoder": {"model": "encoder.onnx", "image": "pixel_values"},
            "decoder": {"model": "decoder.onnx", "features": features, "word": "token", "logits": "logits", "states": states},
            "start_token_id": 1,
            "end_token_id": 2,
            "max_length": most + 1,
        },
    )
    write_common(folder, tokenizer)

    encoder, decoder = copy.deepcopy(encoder).double(), copy.deepcopy(decoder).double()
    pixels = x.double().requires_grad_()
    a = encoder.activation(pixels)
    first = encoder.head(a)

    def scores(words):
        found = []
        if lstm:
            h, c = first
            for w in words:
                z, h, c = decoder(torch.tensor([w]), h, c)
                found.append(z)
            return torch.stack(found, 1)
        h = torch.zeros(1, 1, hidden, dtype=torch.float64)
        for w in words:
            z, h = decoder(torch.tensor([[w]]), first[0], h)
            found.append(z)
        return torch.cat(found, 1)

    start, end = 1, 2
    step = lambda words: scores(words)[0, -1].detach()
    said = greedy(step, start, end, most)
    reference(folder, tokenizer, scores([start] + said[:-1]), said, a, pixels, beam(step, start, end, most, 3))


def reference(folder, tokenizer, scores, said, layer, pixels, beamed, prefix=0, **more):
    words = word_references(scores, said, layer, pixels, prefix)
    side = int(math.sqrt(len(words[0]["map"])))
    write_json(
        folder / "expected.json",
        {
            "greedy": said,
            "text": tokenizer.decode(said, skip_special_tokens=True),
            "beams3": beamed,
            "grid": [side, side],
            "words": words,
            **more,
        },
    )


# ----- transformers.js layout


def vit_gpt2(folder):
    tokenizer, words = bpe_tokenizer()
    end = tokenizer.token_to_id("<|endoftext|>")
    vit = ViTConfig(hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, image_size=SIDE, patch_size=8)
    gpt = GPT2Config(vocab_size=words, n_positions=24, n_embd=32, n_layer=2, n_head=2, n_inner=48, add_cross_attention=True, is_decoder=True)
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(vit, gpt)
    most = 12

    def say(model):
        hidden = model.encoder(pixel_values=picture()).last_hidden_state
        project = (lambda h: model.enc_to_dec_proj(h)) if hasattr(model, "enc_to_dec_proj") else (lambda h: h)
        step = lambda words: model.decoder(input_ids=torch.tensor([words]), encoder_hidden_states=project(hidden), use_cache=False).logits[0, -1]
        return greedy(step, end, end, most)

    model = varied(lambda seed: spread(VisionEncoderDecoderModel(config), seed, 2.5), say)
    x = picture()
    encoder = wrap(model.encoder, lambda p: model.encoder(pixel_values=p).last_hidden_state)
    project = (lambda h: model.enc_to_dec_proj(h)) if hasattr(model, "enc_to_dec_proj") else (lambda h: h)
    decode = lambda m: lambda ids, h: m.decoder(input_ids=ids, encoder_hidden_states=project(h), use_cache=False).logits
    batch = {0: "batch_size"}
    export(encoder, (x,), folder / "onnx/encoder_model.onnx", ["pixel_values"], ["last_hidden_state"], {"pixel_values": batch, "last_hidden_state": batch}, dynamo=True)
    names = ["input_ids", "encoder_hidden_states"]
    ids = torch.tensor([[end, 5, 6]])
    sequence = {0: "batch_size", 1: "decoder_sequence_length"}
    dynamic = {"input_ids": sequence, "encoder_hidden_states": {0: "batch_size", 1: "encoder_sequence_length"}, "logits": sequence}
    export(wrap(model, decode(model)), (ids, encoder(x)), folder / "onnx/decoder_model.onnx", names, ["logits"], dynamic, dynamo=True)
    write_json(folder / "config.json", {"model_type": "vision-encoder-decoder", "decoder": {"model_type": "gpt2", "n_positions": 24, "vocab_size": words}})
    write_json(folder / "generation_config.json", {"decoder_start_token_id": end, "bos_token_id": end, "eos_token_id": end, "pad_token_id": end, "max_length": most + 1})
    write_common(folder, tokenizer)

    model = model.double()
    project = (lambda h: model.enc_to_dec_proj(h)) if hasattr(model, "enc_to_dec_proj") else (lambda h: h)
    pixels = x.double().requires_grad_()
    hidden = model.encoder(pixel_values=pixels).last_hidden_state
    scores = lambda words: model.decoder(input_ids=torch.tensor([words]), encoder_hidden_states=project(hidden), use_cache=False).logits
    step = lambda words: scores(words)[0, -1].detach()
    said = greedy(step, end, end, most)
    with torch.no_grad():
        own = model.generate(pixels.detach(), num_beams=3, max_new_tokens=most, decoder_start_token_id=end, eos_token_id=end, pad_token_id=end, do_sample=False, min_length=0)[0].tolist()
    reference(folder, tokenizer, scores([end] + said[:-1]), said, hidden, pixels, trimmed(own[1:], end), prefix=1)


def trimmed(words, end):
    return words[: words.index(end) + 1] if end in words else words


def blip_config(words, ids):
    text = dict(vocab_size=words, hidden_size=24, encoder_hidden_size=24, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=24, projection_dim=16)
    text |= dict(bos_token_id=ids["[DEC]"], eos_token_id=ids["[SEP]"], sep_token_id=ids["[SEP]"], pad_token_id=ids["[PAD]"], is_decoder=True)
    vision = dict(hidden_size=24, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=SIDE, patch_size=8, projection_dim=16)
    return BlipConfig(text_config=text, vision_config=vision, projection_dim=16, image_text_hidden_size=16)


def special_ids(tokenizer):
    return {w: tokenizer.token_to_id(w) for w in ["[PAD]", "[CLS]", "[SEP]", "[DEC]"]}


def blip(folder):
    tokenizer, words = piece_tokenizer()
    ids = special_ids(tokenizer)
    most = 12

    def say(model):
        hidden = model.vision_model(pixel_values=picture()).last_hidden_state
        step = lambda words: model.text_decoder(input_ids=torch.tensor([words]), encoder_hidden_states=hidden, use_cache=False, return_dict=True).logits[0, -1]
        return greedy(step, ids["[DEC]"], ids["[SEP]"], most)

    model = varied(lambda seed: spread(BlipForConditionalGeneration(blip_config(words, ids)), seed, 2.5), say)
    x = picture()
    batch = {0: "batch_size"}
    encoder = wrap(model.vision_model, lambda p: model.vision_model(pixel_values=p).last_hidden_state)
    export(encoder, (x,), folder / "onnx/encoder_model.onnx", ["pixel_values"], ["last_hidden_state"], {"pixel_values": batch, "last_hidden_state": batch}, dynamo=True)
    decode = lambda words, mask, h: model.text_decoder(input_ids=words, attention_mask=mask, encoder_hidden_states=h, use_cache=False, return_dict=True).logits
    sequence = {0: "batch_size", 1: "sequence_length"}
    names = ["input_ids", "attention_mask", "encoder_hidden_states"]
    args = (torch.tensor([[ids["[DEC]"], 8, 9]]), torch.ones(1, 3, dtype=torch.int64), encoder(x))
    dynamic = {"input_ids": sequence, "attention_mask": sequence, "encoder_hidden_states": {0: "batch_size", 1: "encoder_sequence_length"}, "logits": sequence}
    export(wrap(model.text_decoder, decode), args, folder / "onnx/decoder_model.onnx", names, ["logits"], dynamic, dynamo=True)
    text = {"bos_token_id": ids["[DEC]"], "sep_token_id": ids["[SEP]"], "pad_token_id": ids["[PAD]"], "max_position_embeddings": 24}
    write_json(folder / "config.json", {"model_type": "blip", "architectures": ["BlipForConditionalGeneration"], "text_config": text})
    write_json(folder / "generation_config.json", {"max_length": most + 1})
    write_common(folder, tokenizer)

    model = model.double()
    pixels = x.double().requires_grad_()
    hidden = model.vision_model(pixel_values=pixels).last_hidden_state
    scores = lambda words: model.text_decoder(input_ids=torch.tensor([words]), encoder_hidden_states=hidden, use_cache=False, return_dict=True).logits
    step = lambda words: scores(words)[0, -1].detach()
    said = greedy(step, ids["[DEC]"], ids["[SEP]"], most)
    beamed = beam(step, ids["[DEC]"], ids["[SEP]"], most, 3)
    reference(folder, tokenizer, scores([ids["[DEC]"]] + said[:-1]), said, hidden, pixels, beamed, prefix=1)


def git(folder):
    tokenizer, words = piece_tokenizer()
    ids = special_ids(tokenizer)
    vision = dict(hidden_size=24, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=SIDE, patch_size=8, projection_dim=16)
    config = GitConfig(vision_config=vision, vocab_size=words, hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, max_position_embeddings=24, bos_token_id=ids["[CLS]"], eos_token_id=ids["[SEP]"], pad_token_id=ids["[PAD]"])
    config._attn_implementation = "eager"
    model = spread(GitForCausalLM(config), 5, 1.5)
    most = 12
    x = picture()
    batch = {0: "batch_size"}
    sequence = {0: "batch_size", 1: "sequence_length"}
    call = lambda p, words, mask: model(input_ids=words, attention_mask=mask, pixel_values=p, use_cache=False).logits
    args = (x, torch.tensor([[ids["[CLS]"], 8, 9]]), torch.ones(1, 3, dtype=torch.int64))
    dynamic = {"pixel_values": batch, "input_ids": sequence, "attention_mask": sequence, "logits": {0: "batch_size", 1: "total_length"}}
    export(wrap(model, call), args, folder / "onnx/model.onnx", ["pixel_values", "input_ids", "attention_mask"], ["logits"], dynamic, dynamo=True)
    write_json(folder / "config.json", {"model_type": "git", "bos_token_id": ids["[CLS]"], "eos_token_id": ids["[SEP]"], "pad_token_id": ids["[PAD]"], "max_position_embeddings": 24})
    write_json(folder / "generation_config.json", {"bos_token_id": ids["[CLS]"], "eos_token_id": ids["[SEP]"], "max_length": most + 1})
    write_common(folder, tokenizer)

    model = model.double()
    pixels = x.double().requires_grad_()
    kept = {}
    hook = model.git.visual_projection.register_forward_hook(lambda m, i, o: kept.update(hidden=o))

    def scores(words):
        mask = torch.ones(1, len(words), dtype=torch.int64)
        logits = model(input_ids=torch.tensor([words]), attention_mask=mask, pixel_values=pixels, use_cache=False).logits
        return logits[:, -len(words) :]

    step = lambda words: scores(words)[0, -1].detach()
    said = greedy(step, ids["[CLS]"], ids["[SEP]"], most)
    beamed = beam(step, ids["[CLS]"], ids["[SEP]"], most, 3)
    z = scores([ids["[CLS]"]] + said[:-1])
    reference(folder, tokenizer, z, said, kept["hidden"], pixels, beamed, prefix=1)
    hook.remove()


# ----- Answers


question = "is a red circle left of a blue square ?"


def answer_reference(folder, scores, layer, pixels, prefix, places):
    answers = []
    for c in range(scores.shape[1]):
        da, dx = torch.autograd.grad(scores[0, c], [layer, pixels], retain_graph=True)
        a, d = layer[0], da[0]
        if a.dim() == 2:
            a, d = a[prefix : prefix + places], d[prefix : prefix + places]
        answers.append({"score": float(scores[0, c]), "map": rounded(grad_cam(a, d).detach()), "pixels": rounded(dx[0].flatten()[::97])})
    side = int(math.sqrt(len(answers[0]["map"])))
    write_json(folder / "expected.json", {"question": question, "grid": [side, side], "answers": answers})


def vilt(folder):
    tokenizer, words = piece_tokenizer()
    ids = special_ids(tokenizer)
    labels = ["yes", "no", "red", "blue", "circle", "square", "two"]
    config = ViltConfig(vocab_size=words, hidden_size=24, num_hidden_layers=3, num_attention_heads=2, intermediate_size=32, max_position_embeddings=24, image_size=SIDE, patch_size=8, id2label=dict(enumerate(labels)), label2id={w: i for i, w in enumerate(labels)}, max_image_length=-1)
    model = spread(ViltForQuestionAnswering(config), 6, 1.5)
    embeddings = model.vilt.embeddings

    def visual(pixel_values, pixel_mask, max_image_length=200):
        # Whole frames, in their order: the original draws its patches at random.
        x = embeddings.patch_embeddings(pixel_values).flatten(2).transpose(1, 2)
        x = torch.cat([embeddings.cls_token.expand(x.shape[0], -1, -1), x], 1) + embeddings.position_embeddings
        return x, torch.ones(x.shape[:2], dtype=torch.int64), None

    embeddings.visual_embed = visual
    tokens = tokenizer.encode(question).ids
    x = picture()
    call = lambda p, words, mask, types: model(pixel_values=p, input_ids=words, attention_mask=mask, token_type_ids=types, pixel_mask=torch.ones(p.shape[0], SIDE, SIDE, dtype=torch.int64)).logits
    text = torch.tensor([tokens])
    sequence = {0: "batch_size", 1: "sequence_length"}
    names = ["pixel_values", "input_ids", "attention_mask", "token_type_ids"]
    dynamic = {"pixel_values": {0: "batch_size"}, **{n: sequence for n in names[1:]}, "logits": {0: "batch_size"}}
    export(wrap(model, call), (x, text, torch.ones_like(text), torch.zeros_like(text)), folder / "onnx/model.onnx", names, ["logits"], dynamic, dynamo=True)
    write_json(folder / "config.json", {"model_type": "vilt", "architectures": ["ViltForQuestionAnswering"], "id2label": dict(enumerate(labels)), "max_position_embeddings": 24})
    write_common(folder, tokenizer, tokenizer_config={"model_max_length": 24})

    model = model.double()
    pixels = x.double().requires_grad_()
    kept = {}
    # The last tensor whose patches still reach the class token: what the last layer's attention reads.
    hook = model.vilt.encoder.layer[-1].layernorm_before.register_forward_hook(lambda m, i, o: kept.update(a=o))
    scores = call(pixels, text, torch.ones_like(text), torch.zeros_like(text))
    hook.remove()
    places = (SIDE // 8) ** 2
    answer_reference(folder, scores, kept["a"], pixels, kept["a"].shape[1] - places, places)


def cnn_lstm_answers(folder):
    tokenizer, words = words_tokenizer()
    labels = ["yes", "no", "red", "blue", "circle"]

    class Answerer(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = Encoder(24, False)
            self.embedding = nn.Embedding(words, 24)
            self.lstm = nn.LSTM(24, 24, batch_first=True)
            self.out = nn.Sequential(nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, len(labels)))

        def head(self, a, ids):
            _, (h, _) = self.lstm(self.embedding(ids))
            return self.out(self.encoder.head(a)[0] * h[-1])

        def forward(self, x, ids):
            return self.head(self.encoder.activation(x), ids)

    model = spread(Answerer(), 7, 1.8)
    asked = "a red circle left of a blue square"
    ids = torch.tensor([tokenizer.encode(asked).ids])
    x = picture()
    dynamic = {"pixel_values": {0: "batch"}, "input_ids": {0: "batch", 1: "length"}, "logits": {0: "batch"}}
    export(model, (x, ids), folder / "model.onnx", ["pixel_values", "input_ids"], ["logits"], dynamic)
    write_json(folder / "config.json", {"id2label": dict(enumerate(labels)), "max_length": 12})
    write_common(folder, tokenizer)
    model = model.double()
    pixels = x.double().requires_grad_()
    a = model.encoder.activation(pixels)
    answer_reference(folder, model.head(a, ids), a, pixels, 0, 0)
    expected = json.loads((folder / "expected.json").read_text())
    write_json(folder / "expected.json", {**expected, "question": asked})


def blip_vqa(folder):
    """Three modules in a row, each a file: no exporter writes BLIP for question answering, so the files are called as its modules are."""
    tokenizer, words = piece_tokenizer()
    ids = special_ids(tokenizer)
    start, end = ids["[DEC]"], ids["[SEP]"]
    most = 8
    asked = torch.tensor([tokenizer.encode(question).ids])

    def encode(model, pixels):
        hidden = model.vision_model(pixel_values=pixels).last_hidden_state
        return hidden, model.text_encoder(input_ids=asked, attention_mask=torch.ones_like(asked), encoder_hidden_states=hidden).last_hidden_state

    def scores(model, read, words):
        return model.text_decoder(input_ids=torch.tensor([words]), encoder_hidden_states=read, use_cache=False, return_dict=True).logits

    def say(model):
        _, read = encode(model, picture())
        return greedy(lambda words: scores(model, read, words)[0, -1], start, end, most)

    def build(seed):
        model = spread(BlipForQuestionAnswering(blip_config(words, ids)), seed, 2.5)
        # Answers are short.
        model.text_decoder.cls.predictions.bias.data[end] += 3
        return model

    model = varied(build, say, end)
    x = picture()
    batch = {0: "batch_size"}
    sequence = {0: "batch_size", 1: "sequence_length"}
    pictures = {0: "batch_size", 1: "encoder_sequence_length"}
    vision = wrap(model.vision_model, lambda p: model.vision_model(pixel_values=p).last_hidden_state)
    export(vision, (x,), folder / "onnx/vision_model.onnx", ["pixel_values"], ["last_hidden_state"], {"pixel_values": batch, "last_hidden_state": batch}, dynamo=True)
    read = lambda words, mask, h: model.text_encoder(input_ids=words, attention_mask=mask, encoder_hidden_states=h).last_hidden_state
    names = ["input_ids", "attention_mask", "encoder_hidden_states"]
    dynamic = {"input_ids": sequence, "attention_mask": sequence, "encoder_hidden_states": pictures, "last_hidden_state": sequence}
    hidden, known = encode(model, x)
    export(wrap(model.text_encoder, read), (asked, torch.ones_like(asked), hidden), folder / "onnx/text_encoder.onnx", names, ["last_hidden_state"], dynamic, dynamo=True)
    decode = lambda words, mask, h, asked: model.text_decoder(input_ids=words, attention_mask=mask, encoder_hidden_states=h, encoder_attention_mask=asked, use_cache=False, return_dict=True).logits
    said = torch.tensor([[start, 8, 9]])
    names = ["input_ids", "attention_mask", "encoder_hidden_states", "encoder_attention_mask"]
    dynamic = {"input_ids": sequence, "attention_mask": sequence, "encoder_hidden_states": pictures, "encoder_attention_mask": pictures, "logits": sequence}
    args = (said, torch.ones_like(said), known, torch.ones_like(asked))
    export(wrap(model.text_decoder, decode), args, folder / "onnx/text_decoder.onnx", names, ["logits"], dynamic, dynamo=True)
    text = {"bos_token_id": start, "sep_token_id": end, "pad_token_id": ids["[PAD]"], "max_position_embeddings": 24}
    write_json(folder / "config.json", {"model_type": "blip", "architectures": ["BlipForQuestionAnswering"], "text_config": text})
    write_json(folder / "generation_config.json", {"max_length": most + 1})
    write_common(folder, tokenizer, tokenizer_config={"model_max_length": 24})

    model = model.double()
    pixels = x.double().requires_grad_()
    hidden, known = encode(model, pixels)
    step = lambda words: scores(model, known, words)[0, -1].detach()
    told = lambda words: word_references(scores(model, known, [start] + words[:-1]), words, hidden, pixels, 1)
    answers = beam_all(step, start, end, most, 3)
    best = greedy(step, start, end, most)
    with torch.no_grad():
        own = model.generate(input_ids=asked, pixel_values=pixels.detach(), max_new_tokens=most, do_sample=False)[0].tolist()
    assert trimmed(own[1:], end) == best, (own, best)
    given = "a red circle"
    said = tokenizer.encode(given, add_special_tokens=False).ids + [end]
    write_json(
        folder / "expected.json",
        {
            "question": question,
            "grid": [SIDE // 8, SIDE // 8],
            "greedy": best,
            "text": tokenizer.decode(best, skip_special_tokens=True),
            "words": told(best),
            "beams3": answers,
            "given": {"text": given, "tokens": said, "words": told(said)},
        },
    )


def llava(folder):
    """A vision-language model in the layout of transformers.js: what sees, what embeds words, and a decoder that takes a cache."""
    tokenizer, _ = words_tokenizer(*"user assistant : ? is describe the picture in one sentence .".split())
    tokenizer.add_special_tokens(["<image>"])
    words, image, end = tokenizer.get_vocab_size(), tokenizer.token_to_id("<image>"), tokenizer.token_to_id("<end>")
    vision = CLIPVisionConfig(hidden_size=24, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=SIDE, patch_size=8)
    text = LlamaConfig(vocab_size=words, hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=64, bos_token_id=1, eos_token_id=end, pad_token_id=0)
    config = LlavaConfig(vision_config=vision, text_config=text, image_token_index=image)
    config._attn_implementation = "eager"
    template = "{{ bos_token }}{% for m in messages %}USER: {% for c in m['content'] %}{% if c['type'] == 'image' %}<image>{% else %} {{ c['text'] }}{% endif %}{% endfor %}{% endfor %}{% if add_generation_prompt %} ASSISTANT:{% endif %}"
    asked = lambda request: f"<start>USER: <image> {request} ASSISTANT:"
    most = 8
    x = picture()
    patches = (SIDE // 8) ** 2
    expanded = lambda request: [t for i in tokenizer.encode(asked(request), add_special_tokens=False).ids for t in ([i] * patches if i == image else [i])]
    prompt = expanded(question)

    def see(model, pixels):
        hidden = model.model.vision_tower(pixel_values=pixels, output_hidden_states=True).hidden_states[-2]
        return hidden, model.model.multi_modal_projector(hidden[:, 1:])

    def scores(model, features, said, prompt=prompt):
        ids = torch.tensor([prompt + said])
        embedded = model.get_input_embeddings()(ids)
        at = prompt.index(image)
        embedded = torch.cat([embedded[:, :at], features, embedded[:, at + patches :]], 1)
        return model.lm_head(model.model.language_model(inputs_embeds=embedded, use_cache=False).last_hidden_state)[:, len(prompt) - 1 :]

    def say(model):
        _, features = see(model, x)
        return greedy(lambda said: scores(model, features, said[1:])[0, -1], 0, end, most)

    model = varied(lambda seed: spread(LlavaForConditionalGeneration(config), seed, 2.5), say, end)
    batch = {0: "batch_size"}
    export(wrap(model.model, lambda p: see(model, p)[1]), (x,), folder / "onnx/vision_encoder.onnx", ["pixel_values"], ["image_features"], {"pixel_values": batch}, dynamo=True)
    ids = torch.tensor([prompt])
    sequence = {0: "batch_size", 1: "sequence_length"}
    export(wrap(model, lambda i: model.get_input_embeddings()(i)), (ids,), folder / "onnx/embed_tokens.onnx", ["input_ids"], ["inputs_embeds"], {"input_ids": sequence}, dynamo=True)

    def decode(embedded, mask, positions, *past):
        cache = DynamicCache(ddp_cache_data=[(past[2 * i], past[2 * i + 1]) for i in range(len(past) // 2)])
        known = model.model.language_model(inputs_embeds=embedded, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True)
        present = [t for layer in known.past_key_values.layers for t in (layer.keys, layer.values)]
        return model.lm_head(known.last_hidden_state), *present

    layers = range(text.num_hidden_layers)
    pairs = [f"{i}.{kind}" for i in layers for kind in ["key", "value"]]
    names = ["inputs_embeds", "attention_mask", "position_ids", *[f"past_key_values.{p}" for p in pairs]]
    past_length = 3
    args = (torch.zeros(1, 5, 32), torch.ones(1, 5 + past_length, dtype=torch.int64), torch.arange(past_length, 5 + past_length)[None], *[torch.zeros(1, 1, past_length, 16) for _ in pairs])
    dynamic = {"inputs_embeds": sequence, "attention_mask": {0: "batch_size", 1: "total_sequence_length"}, "position_ids": sequence}
    dynamic |= {f"past_key_values.{p}": {0: "batch_size", 2: "past_sequence_length"} for p in pairs}
    export(wrap(model, decode), args, folder / "onnx/decoder_model_merged.onnx", names, ["logits", *[f"present.{p}" for p in pairs]], dynamic, dynamo=True)
    write_json(folder / "config.json", {"model_type": "llava", "image_token_index": image, "text_config": {"bos_token_id": 1, "eos_token_id": end, "max_position_embeddings": 64}, "vision_config": {"hidden_size": 24}})
    write_json(folder / "generation_config.json", {"bos_token_id": 1, "eos_token_id": end, "max_new_tokens": most})
    write_common(folder, tokenizer, tokenizer_config={"bos_token": "<start>", "chat_template": template})

    model = model.double()
    pixels = x.double().requires_grad_()
    hidden, features = see(model, pixels)
    step = lambda said: scores(model, features, said[1:])[0, -1].detach()
    told = lambda said: word_references(scores(model, features, said[:-1]), said, hidden, pixels, 1)
    best = greedy(step, 0, end, most)
    with torch.no_grad():
        own = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), pixel_values=pixels.detach(), max_new_tokens=most, do_sample=False)[0].tolist()
    assert trimmed(own[len(prompt) :], end) == best, (own, best)
    given = "a red circle"
    said = tokenizer.encode(given, add_special_tokens=False).ids + [end]
    request = expanded("Describe the picture in one sentence.")
    caption = greedy(lambda said: scores(model, features, said[1:], request)[0, -1].detach(), 0, end, most)
    captioned = word_references(scores(model, features, caption[:-1], request), caption, hidden, pixels, 1)
    write_json(
        folder / "expected.json",
        {
            "question": question,
            "grid": [SIDE // 8, SIDE // 8],
            "greedy": best,
            "text": tokenizer.decode(best, skip_special_tokens=True),
            "words": told(best),
            "beams3": beam_all(step, 0, end, most, 3),
            "given": {"text": given, "tokens": said, "words": told(said)},
            "caption": {"tokens": caption, "words": captioned},
        },
    )


made = {
    "cnn-lstm": lambda f: recurrent(f, "lstm"),
    "cnn-gru": lambda f: recurrent(f, "gru"),
    "vit-gpt2": vit_gpt2,
    "blip": blip,
    "git": git,
    "vilt": vilt,
    "cnn-lstm-answers": cnn_lstm_answers,
    "blip-vqa": blip_vqa,
    "llava": llava,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default=Path(__file__).parent.parent / "test/language/models", type=Path)
    parser.add_argument("--only")
    given = parser.parse_args()
    for name, make in made.items():
        if given.only and name != given.only:
            continue
        folder = given.out / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make(folder)
        size = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
        print(f"{name}: {size / 1024:.0f} KB", flush=True)
