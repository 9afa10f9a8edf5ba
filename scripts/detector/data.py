"""The scenes that scripts/detector/write.mjs wrote, and how a training picture is made of them."""

import json
import subprocess
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

#: Of a cropped object, so much must be seen for it to count.
SEEN = 0.5


def written(directory, first, count):
    """The data of these seeds, painted if they are not there yet."""
    world = directory / "world.json"
    if not world.exists():
        script = Path(__file__).with_name("write.mjs")
        subprocess.run(["node", script, directory, "--first", str(first), "--count", str(count)], check=True)
    data = Data(directory)
    if (data.first, data.count) != (first, count):
        raise SystemExit(f"{directory} holds {data.count} scenes from {data.first} on, not {count} from {first} on: delete it, or name another")
    return data


class Data:
    def __init__(self, directory):
        world = json.loads((directory / "world.json").read_text())
        self.side, self.count, self.first, self.shapes = (world[name] for name in ("side", "count", "first", "shapes"))
        self.pictures = np.memmap(directory / "pictures.u8", np.uint8, "r", shape=(self.count, self.side, self.side, 3))
        boxes = np.fromfile(directory / "boxes.u8", np.uint8).reshape(self.count, world["most"], 5)
        self.truths = torch.from_numpy(boxes).float()

    def images(self, rows):
        """[n, 3, side, side] in 0..1."""
        return torch.from_numpy(np.ascontiguousarray(self.pictures[rows])).permute(0, 3, 1, 2).float() / 255

    def batch(self, random, count):
        """Pictures for training and their truths [n, 16, 5]: a third are scenes, a third parts of one, a third four scenes in one."""
        made = [random.choice((self.whole, self.part, self.four))(random) for _ in range(count)]
        images = torch.stack([image for image, _ in made])
        truths = torch.stack([F.pad(truth, (0, 0, 0, 16 - len(truth))) for _, truth in made])
        return images, truths

    def whole(self, random):
        """A scene, mirrored by chance: a mirrored shape has the same name."""
        row = random.integers(self.count)
        image, truth = self.images([row])[0], self.truths[row].clone()
        if random.random() < 0.5:
            image = image.flip(2)
            truth[:, [1, 3]] = self.side - truth[:, [3, 1]]
        if random.random() < 0.5:
            image = image.flip(1)
            truth[:, [2, 4]] = self.side - truth[:, [4, 2]]
        return image, truth * (truth[:, :1] > 0)

    def part(self, random):
        """A square of a scene, enlarged up to 2.5 times."""
        image, truth = self.whole(random)
        size = random.integers(int(self.side / 2.5), self.side)
        x, y = random.integers(self.side - size + 1, size=2)
        image = F.interpolate(image[None, :, y : y + size, x : x + size], size=(self.side,) * 2, mode="bilinear")[0]
        moved = (truth[:, 1:] - torch.tensor([x, y, x, y])).clamp(0, int(size))
        area = lambda edges: (edges[:, 2] - edges[:, 0]) * (edges[:, 3] - edges[:, 1])
        seen = area(moved) >= SEEN * area(truth[:, 1:]).clamp(min=1)
        return image, torch.cat([truth[:, :1], moved * (self.side / size)], 1) * seen.unsqueeze(1)

    def four(self, random):
        """Four scenes of half the size, in two rows."""
        half = self.side // 2
        images, truths = zip(*(self.whole(random) for _ in range(4)))
        small = [F.avg_pool2d(image, 2) for image in images]
        image = torch.cat([torch.cat(small[:2], 2), torch.cat(small[2:], 2)], 1)
        moved = [
            torch.cat([truth[:, :1], truth[:, 1:] / 2 + torch.tensor([x, y, x, y])], 1) * (truth[:, :1] > 0)
            for truth, x, y in zip(truths, (0, half, 0, half), (0, 0, half, half))
        ]
        return image, torch.cat(moved)
