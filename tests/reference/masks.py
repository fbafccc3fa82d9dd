# SPDX-License-Identifier: BSL-1.0
"""Dense masks of the papers' worked examples, each written in the paper's own terms and not from ranks.

Rows read, columns are read, 1 = allowed. The ranks are stored beside them: they are what a rank engine is given.
"""

import numpy as np
import torch

import orders


def drawn(rows):
    """Matrix printed with 0 = allowed and - = forbidden."""
    return np.array([[symbol == "0" for symbol in row] for row in rows.split()])


def saim():
    """SAIM Eq. 3 and 7 for N = 6: content z_i reads the class token and z_1..z_i, the query of z_i one fewer.

    Query rows are patches only: the class token has no query."""
    sequence = [3, 0, 5, 1, 4, 2]  # z: the patch placed first, second, ...
    content, query = np.zeros((7, 7), bool), np.zeros((6, 7), bool)
    content[:, 0] = query[:, 0] = True
    for t, patch in enumerate(sequence):
        for earlier in sequence[: t + 1]:
            content[1 + patch, 1 + earlier] = True
        for earlier in sequence[:t]:
            query[patch, 1 + earlier] = True
    ranks = [0] + [1 + sequence.index(patch) for patch in range(6)]
    return {"ranks": np.array(ranks), "content": content, "query": query}, {"source": "SAIM Eq. 3, Eq. 7", "sequence": sequence}


# GVP: one condition token and six patches (T = 6); 14, 16, 17 with the row that is missing in print put back.
GVP = {
    14: ([0, 0, 1, 2, 3, 4, 5], "00----- 00----- 000---- 0000--- 00000-- 000000- 0000000",
         "00----- 00----- 00----- 000---- 0000--- 00000-- 000000-"),
    16: ([0, 0, 0, 1, 2, 3, 4], "000---- 000---- 000---- 0000--- 00000-- 000000- 0000000",
         "000---- 000---- 000---- 000---- 0000--- 00000-- 000000-"),
    17: ([0, 0, 0, 1, 1, 2, 2], "000---- 000---- 000---- 00000-- 00000-- 0000000 0000000",
         "000---- 000---- 000---- 000---- 000---- 00000-- 00000--"),
}


def gvp(number):
    ranks, content, query = GVP[number]
    return {"ranks": np.array(ranks), "content": drawn(content), "query": drawn(query)}, {
        "source": f"GVP matrix {number}", "note": "query rows of rank 0 carry no loss and need not be computed"}


def gvp_19():
    """Eq. 11 and 12: groups in sampled order; the matrix in that order, then rows and columns permuted back."""
    groups = [[0, 1, 3], [4, 5], [2, 6]]  # tokens; the first group holds the condition token 0
    sequence = [token for group in groups for token in group]
    content, query = np.zeros((7, 7), bool), np.zeros((7, 7), bool)
    known = 0
    for k, group in enumerate(groups):
        rows = slice(known, known + len(group))
        content[rows, : known + len(group)] = True
        query[rows, : known if k else len(group)] = True
        known += len(group)
    back = np.argsort(sequence)
    ranks = np.array([0, 0, 2, 0, 1, 1, 2])
    return {"ranks": ranks, "content": content[np.ix_(back, back)], "query": query[np.ix_(back, back)]}, {
        "source": "GVP matrix 19", "note": "query rows of rank 0 carry no loss and need not be computed"}


def digpt():
    """D-iGPT, 4 clusters on a 4 x 6 grid (2 x 3 patches each). Slots: clusters in sampled order, patches of a cluster in
    raster order, then the class token. `patch` maps slots to patches in raster order (class: -1)."""
    clusters, rows, columns, sampled = 4, 4, 6, [2, 0, 3, 1]
    members = [[] for _ in range(clusters)]
    for patch in range(rows * columns):
        y, x = divmod(patch, columns)
        members[y // 2 * 2 + x // 3].append(patch)
    causal = orders.cluster_mask(clusters - 1, 6).numpy()
    slots = {
        "encoder": [p for c in sampled[:-1] for p in members[c]] + [-1],
        "gen": [p for c in sampled[1:] for p in members[c]] + [-1],
        "dis": [p for c in sampled[:-1] for p in members[c]] + [-1],
    }
    encoder = np.array([1 + s for s in range(3) for _ in range(6)] + [3])
    tensors = {"patch." + name: np.array(value) for name, value in slots.items()}
    tensors |= {"ranks.encoder": encoder, "ranks.gen": encoder + 1, "ranks.dis": encoder}
    tensors |= {name: causal for name in ("content", "gen.cross", "gen.queries", "dis.cross", "dis.queries")}
    return tensors, {"source": "D-iGPT, 4 clusters, class token last", "grid": [rows, columns], "cluster": [2, 3],
                     "sampled": sampled, "cross": {"gen": "before", "dis": "up to"}, "queries": "up to"}


def mae():
    """Encoder over visible patches only; the decoder reads everything."""
    visible = [1, 4, 6]
    content = np.zeros((8, 8), bool)
    for reader in [0] + [1 + p for p in visible]:
        for read in [0] + [1 + p for p in visible]:
            content[reader, read] = True
    ranks = [0] + [int(p not in visible) for p in range(7)]
    return {"ranks": np.array(ranks), "content": content, "joint": np.ones((8, 8), bool)}, {
        "source": "MAE", "note": "content rows of rank 1 are never computed and are zero here"}


def igpt():
    """One stream, start token and six patches: row t reads 0..t."""
    return {"ranks": np.arange(7), "content": np.tril(np.ones((7, 7), bool))}, {"source": "iGPT, ViT-iGPT"}


def checked(case, stream_rows):
    """Refuses a matrix that contradicts the rank law on the rows it applies to."""
    tensors, configuration = case()
    for stream, readers, read, strict in stream_rows:
        r, c = torch.tensor(tensors[readers])[:, None], torch.tensor(tensors[read])[None, :]
        law = (c < r if strict else c <= r).numpy()
        matrix = tensors[stream]
        if strict and matrix.shape[0] == law.shape[0] - 1:
            law = law[1:]
        elif strict:
            applies = (tensors[readers] > 0)
            matrix, law = matrix[applies], law[applies]
        elif configuration["source"] == "MAE":
            applies = tensors[readers] == 0
            matrix, law = matrix[applies], law[applies]
        if not np.array_equal(matrix, law):
            raise ValueError(f"{configuration['source']}: {stream} contradicts the rank law")
    return tensors, configuration


ONE_STREAM = [("content", "ranks", "ranks", False)]
TWO_STREAMS = ONE_STREAM + [("query", "ranks", "ranks", True)]
TWIN = [("content", "ranks.encoder", "ranks.encoder", False), ("gen.cross", "ranks.gen", "ranks.encoder", True),
        ("gen.queries", "ranks.gen", "ranks.gen", False), ("dis.cross", "ranks.dis", "ranks.encoder", False),
        ("dis.queries", "ranks.dis", "ranks.dis", False)]
CASES = {
    "mask_saim": lambda: checked(saim, TWO_STREAMS),
    "mask_gvp14": lambda: checked(lambda: gvp(14), TWO_STREAMS),
    "mask_gvp16": lambda: checked(lambda: gvp(16), TWO_STREAMS),
    "mask_gvp17": lambda: checked(lambda: gvp(17), TWO_STREAMS),
    "mask_gvp19": lambda: checked(gvp_19, TWO_STREAMS),
    "mask_digpt": lambda: checked(digpt, TWIN),
    "mask_mae": lambda: checked(mae, ONE_STREAM),
    "mask_igpt": lambda: checked(igpt, ONE_STREAM),
}
