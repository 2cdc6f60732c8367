"""Writes event-file.tfevents with TensorBoard's own record writer and messages. Made with TensorBoard 2.21.0.

    python3 test/callbacks/reference/event-file.py test/callbacks/reference/event-file.tfevents

Reads event files too, with TensorBoard's own reader: what a tracker has written, one JSON object an event.

    python3 test/callbacks/reference/event-file.py --read <folder>
"""
import json
import sys

from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2
from tensorboard.summary.writer.record_writer import RecordWriter


def text(tag, value):
    plugin = summary_pb2.SummaryMetadata.PluginData(plugin_name="text")
    tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, tensor_shape=tensor_shape_pb2.TensorShapeProto(),
                                    string_val=[value.encode()])
    return summary_pb2.Summary.Value(tag=tag, tensor=tensor,
                                     metadata=summary_pb2.SummaryMetadata(plugin_data=plugin))


def summary(wall_time, step, *values):
    return event_pb2.Event(wall_time=wall_time, step=step, summary=summary_pb2.Summary(value=values))


def write(path):
    Value, Histogram, Image = summary_pb2.Summary.Value, summary_pb2.HistogramProto, summary_pb2.Summary.Image
    config = '    {\n      "name": "a run",\n      "lr": 0.06\n    }'
    events = [
        event_pb2.Event(wall_time=1700000000.5, file_version="brain.Event:2"),
        summary(1700000001.5, 0, text("config", config)),
        summary(1700000002.5, 1, Value(tag="loss/batch", simple_value=2.3), Value(tag="lr", simple_value=0.0)),
        summary(1700000003.5, 300, Value(tag="größe/batch", simple_value=float("nan"))),
        summary(1700000004.5, 70000000000, Value(tag="weights", histo=Histogram(
            min=-1, max=3, num=5, sum=5, sum_squares=15, bucket_limit=[1, 3], bucket=[2, 3]))),
        summary(1700000005.5, 4, Value(tag="input", image=Image(
            height=2, width=200, colorspace=3, encoded_image_string=bytes(range(150))))),
        summary(1700000006.5, 4, text("outcome", "completed")),
    ]
    with open(path, "wb") as file:
        writer = RecordWriter(file)
        for event in events:
            writer.write(event.SerializeToString())


def read(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    accumulator = EventAccumulator(folder, size_guidance={"scalars": 0, "tensors": 0, "histograms": 0})
    accumulator.Reload()
    tags = accumulator.Tags()
    for tag in tags["scalars"]:
        for event in accumulator.Scalars(tag):
            print(json.dumps({"tag": tag, "step": event.step, "value": event.value}))
    for tag in tags["tensors"]:
        for event in accumulator.Tensors(tag):
            print(json.dumps({"tag": tag, "step": event.step, "value": event.tensor_proto.string_val[0].decode()}))
    for tag in tags["histograms"]:
        for event in accumulator.Histograms(tag):
            print(json.dumps({"tag": tag, "step": event.step, "value": vars(event.histogram_value)}))


if sys.argv[1] == "--read":
    read(sys.argv[2])
else:
    write(sys.argv[1])
