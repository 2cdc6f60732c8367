"""The peer's end of bench/peer-session.ts: a question a line in, an answer a line out, both JSON."""
import json
import sys
import time


def serve(**answers):
    """Answers {"ask": name, ...} with what answers[name](...) returns, until there are no more questions."""
    for line in sys.stdin:
        question = json.loads(line)
        print(json.dumps(answers[question.pop("ask")](**question)), flush=True)


def epoch_rate(count, at_least_ms, epoch):
    """Samples a second of whole epochs, as many as fit into the time, one at least."""
    start = time.perf_counter()
    epochs, elapsed = 0, 0.0
    while epochs == 0 or elapsed * 1000 < at_least_ms:
        epoch()
        epochs += 1
        elapsed = time.perf_counter() - start
    return count * epochs / elapsed
