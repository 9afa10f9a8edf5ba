"""Kinds of Hugging Face's transformers, tiny and with random weights, as PyTorch's exporters write them."""
from __future__ import annotations

import onnx

from case import Case, kind
from find import last_grid
from kinds_runtime import quietly
from kinds_torch import exported, reaches, seeded
from net import picture

NEEDS = ("transformers", "torch", "onnxscript")


def scores_of(net):
    """The model as a function from pixel values to logits alone."""
    from torch import nn

    class Scores(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, pixel_values):
            return self.net(pixel_values=pixel_values).logits

    return Scores()


def exported_net(rng, net, x, opset: int = 17) -> tuple[onnx.ModelProto, str]:
    dynamo = bool(rng.integers(2))
    with quietly():
        model = exported(scores_of(net), [x], ["pixel_values"], dynamo, **({} if dynamo else {"opset_version": opset}))
    return model, "torch.export" if dynamo else "TorchScript"


def case_of(model, x, layer, layout, note, **more) -> Case:
    output = model.graph.output[0].name
    return Case(model, {"pixel_values": x}, "pixel_values", output, output, layer, layout, note=note, **more)


@kind("transformers-vit", "transformers, torch.onnx.export", NEEDS)
def vit(rng) -> Case:
    """ViT or DeiT with a class token; the map lies on the normalisation before the last attention."""
    import transformers as t

    seeded(rng)
    small = dict(hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=12, image_size=8, patch_size=4, num_labels=4, hidden_act="gelu", initializer_range=0.3)
    deit = bool(rng.integers(2))
    net = t.DeiTForImageClassification(t.DeiTConfig(**small)) if deit else t.ViTForImageClassification(t.ViTConfig(**small))
    x = picture(rng, 1, 3, 8, 8)
    model, tool = exported_net(rng, net, x)
    norms = [n.output[0] for n in model.graph.node if n.op_type == "LayerNormalization"]
    return case_of(model, x, norms[2], {"grid": [2, 2], "prefix": 2 if deit else 1}, f"{'DeiT' if deit else 'ViT'}, {tool}")


@kind("transformers-convnext", "transformers, torch.onnx.export", NEEDS)
def convnext(rng) -> Case:
    import transformers as t

    seeded(rng)
    config = t.ConvNextConfig(hidden_sizes=[4, 6], depths=[1, 1], num_stages=2, patch_size=2, num_labels=4, layer_scale_init_value=0.7, initializer_range=0.2)
    x = picture(rng, 1, 3, 12, 12)
    model, tool = exported_net(rng, t.ConvNextForImageClassification(config), x)
    return case_of(model, x, last_grid(model), "NCHW", tool)


@kind("transformers-resnet", "transformers, torch.onnx.export", NEEDS)
def resnet(rng) -> Case:
    import transformers as t

    seeded(rng)
    config = t.ResNetConfig(embedding_size=4, hidden_sizes=[4, 6], depths=[1, 1], layer_type="basic", hidden_act=str(rng.choice(["silu", "gelu", "tanh"])), num_labels=4)
    net = t.ResNetForImageClassification(config)
    x = picture(rng, 1, 3, 16, 16)
    model, tool = exported_net(rng, net, x, int(rng.integers(11, 19)))
    return case_of(model, x, last_grid(model), "NCHW", tool)


@kind("transformers-segformer", "transformers, torch.onnx.export", NEEDS)
def segformer(rng) -> Case:
    """Segmentation: scores on a grid, tokens within."""
    import transformers as t

    seeded(rng)
    config = t.SegformerConfig(
        num_encoder_blocks=2, depths=[1, 1], sr_ratios=[2, 1], hidden_sizes=[4, 6], patch_sizes=[3, 3], strides=[2, 2],
        num_attention_heads=[1, 2], mlp_ratios=[2, 2], decoder_hidden_size=5, num_labels=3, classifier_dropout_prob=0.1, hidden_act="gelu", initializer_range=0.3,
    )
    net = t.SegformerForSemanticSegmentation(config)
    from torch import nn

    net.decode_head.activation = nn.SiLU()
    x = picture(rng, 1, 3, 12, 12)
    model, tool = exported_net(rng, net, x)
    fused = next(n for n in reversed(model.graph.node) if n.op_type == "Conv").input[0]
    return case_of(model, x, fused, "NCHW", tool, by_default=False)


@kind("transformers-clip", "transformers, torch.onnx.export", NEEDS)
def clip(rng) -> Case:
    """A picture's embedding, scaled to length one."""
    import transformers as t
    from torch import nn

    seeded(rng)
    config = t.CLIPVisionConfig(hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=12, image_size=8, patch_size=4, projection_dim=5, initializer_range=0.3)
    tower = t.CLIPVisionModelWithProjection(config)

    class Embeds(nn.Module):
        def __init__(self):
            super().__init__()
            self.tower = tower

        def forward(self, pixel_values):
            e = self.tower(pixel_values=pixel_values).image_embeds
            return e / e.norm(dim=-1, keepdim=True)

    x = picture(rng, 1, 3, 8, 8)
    dynamo = bool(rng.integers(2))
    with quietly():
        model = exported(Embeds(), [x], ["pixel_values"], dynamo, **({} if dynamo else {"opset_version": 17}))
    norms = [n.output[0] for n in model.graph.node if n.op_type == "LayerNormalization" and reaches(model, "pixel_values", n.output[0])]
    return case_of(model, x, norms[3], {"grid": [2, 2], "prefix": 1}, "torch.export" if dynamo else "TorchScript")


@kind("transformers-swin", "transformers, torch.onnx.export", NEEDS)
def swin(rng) -> Case:
    """Windows that are shifted: the tokens of the last normalisation, all of them a grid."""
    import transformers as t

    seeded(rng)
    config = t.SwinConfig(embed_dim=4, depths=[2, 1], num_heads=[1, 2], window_size=2, image_size=8, patch_size=2, num_labels=4, mlp_ratio=2.0, initializer_range=0.3)
    x = picture(rng, 1, 3, 8, 8)
    # The present exporter cannot write it.
    with quietly():
        model = exported(scores_of(t.SwinForImageClassification(config)), [x], ["pixel_values"], False, opset_version=17)
    layer = [n.output[0] for n in model.graph.node if n.op_type == "LayerNormalization"][-1]
    return case_of(model, x, layer, {"grid": [2, 2], "prefix": 0}, "TorchScript")
