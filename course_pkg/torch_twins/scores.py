"""Twins of the scores in `course_pkg.attention_scores`, by their names in SCORES.

Each is cut in two, as ours: `project` does what depends on the keys alone, once for all queries, and `forward` does
the rest. Shapes: query (B, Q), keys (S, B, K), scores (B, S).
"""

from __future__ import annotations

import torch
from torch import nn

from course_pkg.torch_twins.dense import uniform


class Additive(nn.Module):
    """Twin of additive_scores (attention-additive): e_j = v^T tanh(W h_j + U s)."""

    def __init__(self, A: int, Q: int, K: int, dtype: torch.dtype | None = None):
        super().__init__()
        self.W, self.U, self.v = uniform((A, K), K, dtype), uniform((A, Q), Q, dtype), uniform((A,), A, dtype)

    def project(self, keys: torch.Tensor) -> torch.Tensor:
        """keys: (S, B, K) -> W h_j for every j: (S, B, A)."""
        return keys @ self.W.T

    def forward(self, query: torch.Tensor, projected: torch.Tensor) -> torch.Tensor:
        """query: (B, Q), projected: (S, B, A) -> scores: (B, S)."""
        return (torch.tanh(projected + query @ self.U.T) @ self.v).T


class Concat(nn.Module):
    """Twin of concat_scores (attention-concat): e_j = v^T tanh(W [s; h_j]). The first Q columns of W read the query."""

    def __init__(self, A: int, Q: int, K: int, dtype: torch.dtype | None = None):
        super().__init__()
        self.W, self.v, self.Q = uniform((A, Q + K), Q + K, dtype), uniform((A,), A, dtype), Q

    def project(self, keys: torch.Tensor) -> torch.Tensor:
        """keys: (S, B, K) -> the keys' share of the hidden layer: (S, B, A)."""
        return keys @ self.W[:, self.Q :].T

    def forward(self, query: torch.Tensor, projected: torch.Tensor) -> torch.Tensor:
        """query: (B, Q), projected: (S, B, A) -> scores: (B, S)."""
        return (torch.tanh(projected + query @ self.W[:, : self.Q].T) @ self.v).T


class Dot(nn.Module):
    """Twin of dot_scores (attention-dot): e_j = s^T h_j. Nothing to learn; Q = K; no hidden layer, so A is unused."""

    def __init__(self, A: int, Q: int, K: int, dtype: torch.dtype | None = None):
        super().__init__()
        if Q != K:
            raise ValueError(f"{type(self).__name__}: query and keys must have the same size, got Q={Q} and K={K}")

    def project(self, keys: torch.Tensor) -> torch.Tensor:
        """keys: (S, B, K) -> the keys as they are."""
        return keys

    def forward(self, query: torch.Tensor, projected: torch.Tensor) -> torch.Tensor:
        """query: (B, Q), projected: (S, B, Q) -> scores: (B, S)."""
        return torch.einsum("bq,sbq->bs", query, projected)


class ScaledDot(Dot):
    """Twin of scaled_dot_scores (attention-scaled): e_j = s^T h_j / sqrt(K)."""

    def project(self, keys: torch.Tensor) -> torch.Tensor:
        """keys: (S, B, K) -> keys / sqrt(K)."""
        return keys / keys.shape[-1] ** 0.5


class General(nn.Module):
    """Twin of general_scores (attention-general): e_j = s^T W h_j. No hidden layer, so A is unused."""

    def __init__(self, A: int, Q: int, K: int, dtype: torch.dtype | None = None):
        super().__init__()
        self.W = uniform((Q, K), K, dtype)

    def project(self, keys: torch.Tensor) -> torch.Tensor:
        """keys: (S, B, K) -> W h_j for every j: (S, B, Q)."""
        return keys @ self.W.T

    def forward(self, query: torch.Tensor, projected: torch.Tensor) -> torch.Tensor:
        """query: (B, Q), projected: (S, B, Q) -> scores: (B, S)."""
        return torch.einsum("bq,sbq->bs", query, projected)


SCORES = {"additive": Additive, "concat": Concat, "dot": Dot, "general": General, "scaled dot": ScaledDot}
