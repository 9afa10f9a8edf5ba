"""Train the scene answerer's architecture on easy-VQA (PyPI easy-vqa 1.0, Victor Zhou, MIT) and write models/easy-vqa-answerer/.

    python scripts/scenes/train_easy_vqa.py [--steps N] [--out models]

easy-VQA has 4,000 pictures of 64 x 64 with one shape each and 38,575 questions to train on, 1,000 and 9,673 to test on. The grid of
the last convolution is 8 x 8. Ends with the share of right answers of its test set, by the file that was written.
"""

import argparse
from pathlib import Path

import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F
from easy_vqa import get_answers, get_test_image_paths, get_test_questions, get_train_image_paths, get_train_questions
from PIL import Image
from torch import nn

from export import write_answerer
from model_files import write_sums
from networks import Answerer, Trunk

SIDE, LENGTH, BATCH, QUESTIONS, RATE = 64, 10, 64, 4, 2e-3
SPECIAL = ["<pad>", "<s>", "</s>", "<unk>"]


def words_of(text):
    return text.lower().replace("?", "").split()


def pictures(paths):
    """[n, 3, 64, 64], -1 to 1."""
    pixels = np.stack([np.asarray(Image.open(paths[i]).convert("RGB")) for i in range(len(paths))])
    assert pixels.shape[1:3] == (SIDE, SIDE)
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1


def encode(texts, vocabulary):
    rows = [[vocabulary.index(word) for word in words_of(text)] for text in texts]
    return torch.tensor([row + [0] * (LENGTH - len(row)) for row in rows])


def test(path, vocabulary, answers):
    """Share of right answers of the test set, by the ONNX file."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    texts, truths, images = get_test_questions()
    pixels, questions = pictures(get_test_image_paths()), encode(texts, vocabulary)
    right = 0
    for first in range(0, len(texts), 256):
        rows = slice(first, first + 256)
        feeds = {"pixel_values": pixels[images[rows]].numpy(), "input_ids": questions[rows].numpy()}
        given = session.run(["logits"], feeds)[0].argmax(1)
        right += sum(answers[a] == truth for a, truth in zip(given, truths[rows]))
    print(f"easy-VQA, test: {right} of {len(texts)} answers right, {100 * right / len(texts):.2f} %")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[2] / "models")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    random = np.random.default_rng(0)

    texts, truths, images = get_train_questions()
    answers = sorted(get_answers())
    vocabulary = [*SPECIAL, *sorted({word for text in texts for word in words_of(text)})]
    pixels, questions = pictures(get_train_image_paths()), encode(texts, vocabulary)
    truths, images = torch.tensor([answers.index(a) for a in truths]), np.array(images)
    of_image = [np.flatnonzero(images == i) for i in range(len(pixels))]

    trunk, head = Trunk(), Answerer(len(vocabulary), len(answers), grid=SIDE // 8)
    network = nn.ModuleList([trunk, head])
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=0.01)
    for step in range(options.steps):
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 100, 2 * (options.steps - step) / options.steps)
        rows = random.choice(len(pixels), BATCH, replace=False)
        asked = np.concatenate([random.choice(of_image[i], QUESTIONS) for i in rows])
        owner = torch.arange(BATCH).repeat_interleave(QUESTIONS)
        # A mirrored picture has the same answers: nothing is asked about places.
        batch = pixels[rows]
        batch = batch.flip(3) if random.random() < 0.5 else batch
        batch = batch.flip(2) if random.random() < 0.5 else batch
        loss = F.cross_entropy(head(trunk(batch), questions[asked], owner), truths[asked])
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1)
        optimiser.step()
        if (step + 1) % 50 == 0:
            print(f"{step + 1}/{options.steps} loss {loss.item():.4f}", flush=True)

    world = {"side": SIDE, "vocabulary": vocabulary, "specialTokens": SPECIAL, "answers": answers, "questionLength": LENGTH}
    directory = options.out / "easy-vqa-answerer"
    write_answerer(directory, trunk.eval(), head.eval(), world)
    write_sums(directory)
    test(directory / "model.onnx", vocabulary, answers)


if __name__ == "__main__":
    main()
