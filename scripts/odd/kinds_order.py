"""Kinds: the order of nodes, and how they are named."""
from __future__ import annotations

from case import Case, kind
from net import names_of
from nets import any_net


@kind("plain")
def plain(rng) -> Case:
    """No peculiarity: what the others are measured by."""
    return any_net(rng)


@kind("nodes-reversed")
def nodes_reversed(rng) -> Case:
    case = any_net(rng)
    nodes = list(case.model.graph.node)[::-1]
    del case.model.graph.node[:]
    case.model.graph.node.extend(nodes)
    return case


@kind("nodes-shuffled")
def nodes_shuffled(rng) -> Case:
    case = any_net(rng)
    nodes = list(case.model.graph.node)
    rng.shuffle(nodes)
    del case.model.graph.node[:]
    case.model.graph.node.extend(nodes)
    return case


ODD_NAMES = ["__proto__", "constructor", "a/b/c:0", "grad/x", "größe 幅", "x" * 3000, " ", "toString", "1", "a\nb", "\u202eevil", "%s", "{}", "hasOwnProperty"]


def renamed(case: Case, names: dict[str, str], inputs: bool = True) -> Case:
    """Tensors by other names, everywhere."""
    graph = case.model.graph
    for node in graph.node:
        node.input[:] = [names.get(i, i) for i in node.input]
        node.output[:] = [names.get(o, o) for o in node.output]
    for info in [*graph.input, *graph.output, *graph.value_info, *graph.initializer]:
        info.name = names.get(info.name, info.name)
    case.feeds = {names.get(k, k): v for k, v in case.feeds.items()}
    case.image, case.output, case.score, case.layer = (names.get(n, n) for n in (case.image, case.output, case.score, case.layer))
    return case


@kind("names-odd")
def names_odd(rng) -> Case:
    case = any_net(rng)
    tensors = [*case.feeds, *names_of(case.model), *(w.name for w in case.model.graph.initializer)]
    rng.shuffle(tensors)
    odd = list(rng.permutation(ODD_NAMES))
    return renamed(case, dict(zip(tensors, odd)))


@kind("names-of-ours")
def names_of_ours(rng) -> Case:
    """Names that a program that adds nodes is likely to choose itself."""
    case = any_net(rng)
    words = ["gradcam/0", "gradcam/1", "grad/0", "grad/features", "gradcam_0", "seed", "seed/logits", "adjoint/0", "g0", "map", "class"]
    tensors = names_of(case.model)
    rng.shuffle(tensors)
    return renamed(case, dict(zip(tensors, words)))


@kind("nodes-nameless")
def nodes_nameless(rng) -> Case:
    """Nodes without names, and doc strings of every kind."""
    case = any_net(rng)
    for node in case.model.graph.node:
        node.name = ""
        node.doc_string = "made by\nhand \u0007 \x1b[31mred"
    case.model.doc_string = "\x1b]0;title\x07" * 3
    case.model.metadata_props.add(key="__proto__", value="{}")
    return case
