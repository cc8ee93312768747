"""Places the nodes of a directed graph in layers, from left to right, with few crossings."""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np

Key = Hashable


@dataclass
class Layout:
    """Where each node is, and through which points each edge passes (between its ends)."""

    place: dict[Key, tuple[float, float]]
    route: dict[tuple[Key, Key], list[tuple[float, float]]] = field(default_factory=dict)


def layers_of(nodes: Sequence[Key], edges: Sequence[tuple[Key, Key]]) -> dict[Key, int]:
    """The layer of each node: the longest path to it. What needs only inputs moves up to just before its first use."""
    into = {node: [a for a, b in edges if b == node] for node in nodes}
    out = {node: [b for a, b in edges if a == node] for node in nodes}
    layer: dict[Key, int] = {}
    waiting = list(nodes)
    while waiting:
        ready = [node for node in waiting if all(before in layer for before in into[node])]
        if not ready:
            raise ValueError("layers_of: the graph has a cycle")
        for node in ready:
            layer[node] = 1 + max((layer[before] for before in into[node]), default=-1)
        waiting = [node for node in waiting if node not in layer]
    early = {node for node in nodes if all(not into[before] for before in into[node])}
    for node in sorted(early, key=lambda node: -layer[node]):
        if out[node]:
            layer[node] = min(layer[after] for after in out[node]) - 1
    first = min(layer.values(), default=0)
    return {node: place - first for node, place in layer.items()}


def arrange(
    nodes: Sequence[Key],
    edges: Sequence[tuple[Key, Key]],
    sizes: dict[Key, tuple[float, float]],
    light: Container[Key] = (),
    heavy: Container[Key] = (),
    gap: float = 34.0,
    apart: float = 20.0,
) -> Layout:
    """Layers, an order within each that has few crossings, and coordinates that keep edges straight.

    sizes: (width, height) of each node. light: nodes whose edges may bend so that others stay straight; heavy: nodes
    whose edges should not. gap: between layers. apart: between neighbours in a layer.
    """
    layer = layers_of(nodes, edges)
    columns: list[list[Key]] = [[] for _ in range(max(layer.values()) + 1)]
    for node in nodes:
        columns[layer[node]].append(node)
    chains, links = {}, []
    heights = {node: sizes[node][1] for node in nodes}
    for a, b in edges:  # an edge over several layers becomes a chain of small invisible nodes
        chain = [("via", a, b, i) for i in range(layer[a] + 1, layer[b])]
        for i, via in zip(range(layer[a] + 1, layer[b]), chain, strict=True):
            columns[i].append(via)
            heights[via] = 2.0
        chains[a, b] = chain
        stops = [a, *chain, b]
        links += list(zip(stops, stops[1:], strict=False))
    before = {key: [a for a, b in links if b == key] for key in heights}
    after = {key: [b for a, b in links if a == key] for key in heights}
    columns = _order(columns, before, after)

    def weight(a: Key, b: Key) -> float:
        hidden = [isinstance(key, tuple) and key[:1] == ("via",) for key in (a, b)]
        return (
            12.0
            if all(hidden)
            else 0.1
            if a in light
            else 2.0
            if any(hidden)
            else 20.0
            if a in heavy or b in heavy
            else 4.0
        )

    y = _heights(columns, before, after, heights, apart, weight)
    widths = [max((sizes[key][0] for key in column if key in sizes), default=0.0) for column in columns]
    middles = np.cumsum(widths) - np.array(widths) / 2 + gap * np.arange(len(columns))
    x = {key: float(middles[i]) for i, column in enumerate(columns) for key in column}
    route = {edge: [(x[via], y[via]) for via in chain] for edge, chain in chains.items()}
    return Layout({node: (x[node], y[node]) for node in nodes}, route)


def crossings(columns: list[list[Key]], after: dict[Key, list[Key]]) -> int:
    """How many pairs of edges between neighbouring columns cross."""
    count = 0
    for left, right in zip(columns, columns[1:], strict=False):
        rank = {key: i for i, key in enumerate(right)}
        ends = [sorted(rank[b] for b in after[a]) for a in left]
        count += sum(
            p > q for i, one in enumerate(ends) for other in ends[i + 1 :] for p in one for q in other
        )
    return count


def _order(columns: list[list[Key]], before: dict, after: dict) -> list[list[Key]]:
    """Sweeps that put each node at the mean rank of its neighbours; the best order met is kept."""
    best, least = [list(column) for column in columns], crossings(columns, after)
    for sweep in range(24):
        forward = sweep % 2 == 0
        sequence = range(1, len(columns)) if forward else range(len(columns) - 2, -1, -1)
        for i in sequence:
            fixed = columns[i - 1] if forward else columns[i + 1]
            rank = {key: k for k, key in enumerate(fixed)}
            side = before if forward else after
            own = {key: k for k, key in enumerate(columns[i])}
            columns[i] = sorted(
                columns[i], key=lambda key: (_mean([rank[n] for n in side[key]], own[key]), own[key])
            )
        _swap_neighbours(columns, after)
        count = crossings(columns, after)
        if count < least:
            best, least = [list(column) for column in columns], count
    return best


def _swap_neighbours(columns: list[list[Key]], after: dict) -> None:
    """Exchanges neighbours in a column as long as that removes crossings."""
    for k, column in enumerate(columns):
        near = columns[max(k - 1, 0) : k + 2]  # crossings elsewhere do not change
        count = crossings(near, after)
        for i in range(len(column) - 1):
            column[i], column[i + 1] = column[i + 1], column[i]
            changed = crossings(near, after)
            if changed >= count:
                column[i], column[i + 1] = column[i + 1], column[i]
            else:
                count = changed


def _mean(ranks: list[float], otherwise: float) -> float:
    return sum(ranks) / len(ranks) if ranks else otherwise


def _heights(
    columns: list[list[Key]],
    before: dict,
    after: dict,
    heights: dict,
    apart: float,
    weight: Callable[[Key, Key], float],
) -> dict[Key, float]:
    """Vertical places: each node near its neighbours, in the given order, none closer than ``apart``."""
    y = {key: 0.0 for column in columns for key in column}
    for column in columns:
        for key, place in zip(column, _spread(column, [0.0] * len(column), heights, apart), strict=True):
            y[key] = place
    for sweep in range(120):
        forward = sweep % 2 == 0
        for column in columns if forward else columns[::-1]:
            wanted, pulls = [], []
            for key in column:
                near = [(y[n], weight(n, key)) for n in before[key]] + [
                    (y[n], weight(key, n)) for n in after[key]
                ]
                total = sum(pull for _, pull in near)
                wanted.append(sum(place * pull for place, pull in near) / total if total else y[key])
                pulls.append(total or 0.01)
            for key, place in zip(column, _spread(column, wanted, heights, apart, pulls), strict=True):
                y[key] = place
    return y


def _spread(
    column: list[Key], wanted: list[float], heights: dict, apart: float, pulls: list[float] | None = None
) -> list[float]:
    """Moves as little as possible so that neighbours keep their order and distance (pool adjacent violators)."""
    offsets, total = [], 0.0
    for i, key in enumerate(column):
        if i:
            total += (heights[column[i - 1]] + heights[key]) / 2 + apart
        offsets.append(total)
    blocks: list[tuple[float, float, int]] = []  # mean, pull, how many
    for want, offset, pull in zip(wanted, offsets, pulls or [1.0] * len(column), strict=True):
        blocks.append((want - offset, pull, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, p, n = blocks.pop()
            other, q, m = blocks.pop()
            blocks.append(((other * q + mean * p) / (p + q), p + q, m + n))
    bases = [mean for mean, _, n in blocks for _ in range(n)]
    return [base + offset for base, offset in zip(bases, offsets, strict=True)]
