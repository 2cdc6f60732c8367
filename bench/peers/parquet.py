"""Writes class folders of images as one Parquet file, in the layout that Hugging Face's datasets has.

Usage: parquet.py FOLDER FILE ROWS, ROWS being those of a row group. Prints {"pyarrow": version}.
"""
import json
import os
import sys

import pyarrow
from pyarrow import parquet


def main():
    folder, file, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
    names = sorted(os.listdir(folder))
    images, labels = [], []
    for label, name in enumerate(names):
        for image in sorted(os.listdir(os.path.join(folder, name))):
            with open(os.path.join(folder, name, image), "rb") as opened:
                images.append({"bytes": opened.read(), "path": image})
            labels.append(label)
    features = {
        "image": {"_type": "Image"},
        "label": {"_type": "ClassLabel", "names": names},
    }
    schema = pyarrow.schema(
        [
            ("image", pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])),
            ("label", pyarrow.int64()),
        ],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )
    table = pyarrow.table({"image": images, "label": labels}, schema=schema)
    # Images are compressed already: datasets leaves their bytes as they are.
    columns = {"image.path": "snappy", "label": "snappy", "image.bytes": "none"}
    parquet.write_table(
        table, file, row_group_size=rows, compression=columns, use_dictionary=["image.path", "label"]
    )
    print(json.dumps({"pyarrow": pyarrow.__version__}))


if __name__ == "__main__":
    main()
