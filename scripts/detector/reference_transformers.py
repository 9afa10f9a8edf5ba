"""Reference cases by transformers: the pair `logits`, `pred_boxes` of DETR's family, and the form in which RT-DETR's authors export."""

from __future__ import annotations

import torch
from torch import nn
from transformers import (
    DetrConfig, DetrForObjectDetection, DFineConfig, DFineForObjectDetection, HGNetV2Config, ResNetConfig, RfDetrConfig, RfDetrForObjectDetection,
    RTDetrConfig, RTDetrForObjectDetection, RTDetrResNetConfig, YolosConfig, YolosForObjectDetection,
)
from transformers.models.detr.image_processing_detr import DetrImageProcessor
from transformers.models.rt_detr.image_processing_rt_detr import RTDetrImageProcessor

from reference_case import LEAST, LIVELY, SIDE, Case, Found, draw, prepared, roomy

NAMES = ("cat", "dog", "cup")
QUERIES, WIDTH = 12, 8
#: (width, height) of the original, whose picture was stretched to 64 x 64.
ORIGINAL = (100, 80)
IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


class Pair(nn.Module):
    """pixel_values -> logits, pred_boxes."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, pixel_values):
        said = self.network(pixel_values=pixel_values)
        return said.logits, said.pred_boxes


class Authors(nn.Module):
    """images, orig_target_sizes [n, 2] (width, height) -> labels, boxes, scores: the best of all queries and classes."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, images, orig_target_sizes):
        said = self.network(pixel_values=images)
        scores, at = said.logits.sigmoid().flatten(1).topk(QUERIES, 1)
        centre, half = said.pred_boxes[..., :2], said.pred_boxes[..., 2:] / 2
        boxes = torch.cat([centre - half, centre + half], 2) * orig_target_sizes.repeat(1, 2).unsqueeze(1)
        labels = at % len(NAMES)
        return labels, boxes.gather(1, (at // len(NAMES)).unsqueeze(2).repeat(1, 1, 4)), scores


def settled(network, images, layer, softmax, count):
    """Class logits that differ by query and not by class alone; about `count` scores above the threshold."""
    logits = lambda: network(pixel_values=images).logits[0]
    with torch.no_grad():
        middle = logits().mean(0)
        factor = LIVELY / (logits() - middle).std()
        layer.weight.mul_(factor)
        layer.bias.sub_(middle).mul_(factor)
        after = logits()
        if softmax:
            shifted = lambda shifts: torch.cat([after[:, :-1].expand(len(shifts), -1, -1), after[:, -1:] - shifts[:, None, None]], 2)
            layer.bias[-1] -= roomy(lambda shifts: shifted(shifts).softmax(2)[..., :-1].amax(2), count)
        else:
            layer.bias += roomy(lambda shifts: (after + shifts[:, None, None]).sigmoid().flatten(1), count)
    return network


def found_by(network, images, softmax):
    """What transformers' own post-processing finds, best first, and the logit of the first as a function of the picture."""
    said = network(pixel_values=images)
    sizes = [(ORIGINAL[1], ORIGINAL[0])]
    processor = DetrImageProcessor() if softmax else RTDetrImageProcessor()
    (found,) = processor.post_process_object_detection(said, threshold=LEAST, target_sizes=sizes)
    if len(found["scores"]) >= QUERIES:
        raise SystemExit("not a case: as many scores are above the threshold as post-processing takes")
    order = found["scores"].argsort(descending=True, stable=True)
    found = Found(*(found[key][order].detach() for key in ("boxes", "scores", "labels")))
    logits = said.logits[0]
    scores = logits.softmax(1) if softmax else logits.sigmoid()
    kind = found.classes[0]
    query = (scores[:, kind] - found.scores[0]).abs().argmin()
    return found, {"box:0": lambda picture: network(pixel_values=picture).logits[0, query, kind]}


def configured(network, resized):
    """config.json and preprocessor_config.json as a model in Hugging Face layout has them."""
    config = network.config.to_dict() | {"architectures": [type(network).__name__]}
    plain = {key: value for key, value in config.items() if key in ("architectures", "model_type", "num_queries", "num_labels", "num_channels", "d_model", "hidden_size")}
    plain["id2label"] = {str(i): name for i, name in enumerate(NAMES)}
    return {"config.json": plain, "preprocessor_config.json": resized}


def processor(kind, normalised):
    told = {
        "image_processor_type": f"{kind}ImageProcessor", "do_resize": True, "size": {"height": SIDE, "width": SIDE}, "resample": 2,
        "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": normalised, "do_pad": False,
    }
    if normalised:
        told |= {"image_mean": list(IMAGENET["mean"]), "image_std": list(IMAGENET["std"])}
    return told


def labelled():
    return {"id2label": dict(enumerate(NAMES)), "label2id": {name: i for i, name in enumerate(NAMES)}}


def pair(name, head, make, layer, seed, softmax=False, normalised=False, exporters=(False, True), keeps=(True,), kind="RTDetr", count=8):
    images, picture = prepared(**(IMAGENET if normalised else {}))
    network = draw(make(), seed)
    network = settled(network, images, layer(network), softmax, count)
    found, questions = found_by(network, images, softmax)
    return Case(
        name, head, Pair(network), {"pixel_values": images}, {"input": "pixel_values", **picture}, ["logits", "pred_boxes"], found, questions,
        extent=ORIGINAL, beside=configured(network, processor(kind, normalised)), exporters=exporters, keeps=keeps, brief=True,
    )


def detr():
    backbone = ResNetConfig(embedding_size=8, hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 1, 1], layer_type="basic", out_features=["stage4"])
    return DetrForObjectDetection(
        DetrConfig(
            backbone_config=backbone, d_model=WIDTH, num_queries=QUERIES, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=16, decoder_ffn_dim=16,
            encoder_attention_heads=2, decoder_attention_heads=2, **labelled(),
        )
    )


def yolos():
    return YolosForObjectDetection(
        YolosConfig(
            hidden_size=WIDTH, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, image_size=[SIDE, SIDE], patch_size=8,
            num_detection_tokens=QUERIES, use_mid_position_embeddings=False, **labelled(),
        )
    )


def hybrid(backbone):
    return dict(
        backbone_config=backbone, encoder_hidden_dim=WIDTH, encoder_in_channels=[8, 8, 8], encoder_ffn_dim=16, encoder_attention_heads=2,
        d_model=WIDTH, num_queries=QUERIES, decoder_in_channels=[WIDTH] * 3, decoder_ffn_dim=16, decoder_layers=2, decoder_attention_heads=2,
        decoder_n_points=2, num_denoising=0, hidden_expansion=0.5, **labelled(),
    )


def residual():
    return RTDetrResNetConfig(embedding_size=8, hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 1, 1], layer_type="basic", out_features=["stage2", "stage3", "stage4"])


def fine():
    backbone = HGNetV2Config(
        embedding_size=8, depths=[1, 1, 1, 1], hidden_sizes=[8, 8, 8, 8], stem_channels=[3, 4, 8], stage_in_channels=[8, 8, 8, 8],
        stage_mid_channels=[4, 4, 4, 4], stage_out_channels=[8, 8, 8, 8], stage_num_blocks=[1, 1, 1, 1], stage_numb_of_layers=[1, 1, 1, 1],
        stage_kernel_size=[3, 3, 3, 3], out_features=["stage2", "stage3", "stage4"],
    )
    return DFineForObjectDetection(DFineConfig(**hybrid(backbone), max_num_bins=8, lqe_hidden_dim=8, depth_mult=0.34))


def rt_detr():
    return RTDetrForObjectDetection(RTDetrConfig(**hybrid(residual())))


def rf_detr():
    backbone = dict(
        model_type="rf_detr_dinov2", hidden_size=WIDTH, num_hidden_layers=2, num_attention_heads=2, mlp_ratio=2, image_size=SIDE, patch_size=8, num_windows=2,
        out_features=["stage1", "stage2"], window_block_indexes=[0],
    )
    return RfDetrForObjectDetection(
        RfDetrConfig(
            backbone_config=backbone, d_model=WIDTH, num_queries=QUERIES, decoder_ffn_dim=16, decoder_layers=2, decoder_self_attention_heads=2,
            decoder_cross_attention_heads=2, decoder_n_points=2, c2f_num_blocks=1, group_detr=1, **labelled(),
        )
    )


def authors(name, head, make, seed):
    images, picture = prepared()
    network = draw(make(), seed)
    network = settled(network, images, network.model.decoder.class_embed[-1], False, 8)
    found, questions = found_by(network, images, False)
    inputs = {"images": images, "orig_target_sizes": torch.tensor([ORIGINAL])}
    return Case(
        name, head, Authors(network), inputs, {"input": "images", **picture}, ["labels", "boxes", "scores"], found, questions,
        extent=ORIGINAL, keeps=(False,), brief=True, names=NAMES,
    )


def cases():
    yield pair("detr", "logits, pred_boxes; softmax", detr, lambda network: network.class_labels_classifier, 21, True, True, kind="Detr")
    yield pair("yolos", "logits, pred_boxes; softmax", yolos, lambda network: network.class_labels_classifier.layers[-1], 22, True, True, kind="Yolos", keeps=(False,))
    last = lambda network: network.model.decoder.class_embed[-1]
    yield pair("rt-detr", "logits, pred_boxes; sigmoid", rt_detr, last, 23)
    yield pair("d-fine", "logits, pred_boxes; sigmoid", fine, last, 25, exporters=(False,), keeps=(False,))
    yield pair("rf-detr", "logits, pred_boxes; sigmoid", rf_detr, lambda network: network.class_embed, 26, normalised=True, kind="RfDetr", exporters=(True,))
    yield authors("rt-detr-authors", "labels, boxes, scores; RT-DETR as its authors export it", rt_detr, 27)
