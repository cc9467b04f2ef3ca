"""An ONNX file as a graph that may be looked at: whole, plain, of bounded size, and nothing of it executed.

A graph is a program, but one of a closed list of standard operators. What could be anything else is refused by name:
operators of other domains, functions of the file's own, loops and branches, random numbers, data outside the folder.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from google.protobuf.message import DecodeError
from onnx import ModelProto, NodeProto, TensorProto, checker, helper

from bareface.errors import CheckpointError, UnsafeFileError
from bareface.storage.places import real_path
from bareface.targets.printable import printable
from bareface.untrusted.regular import is_file, what_lies_at

# Protobuf itself ends at 2 GiB, and the runtime takes the graph as one message.
MOST_BYTES = 2_000_000_000
MOST_NODES = 50_000
DOMAINS = frozenset({"", "ai.onnx"})
CONTROL = frozenset({"If", "Loop", "Scan", "SequenceMap"})
RANDOM = frozenset(
    {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli"}
)
SIMPLER = "torch.onnx.export of the module in evaluation mode, in standard operators"
_CHECKER_GIVES_UP = (checker.ValidationError, ValueError, TypeError, RuntimeError, UnicodeDecodeError)


def read_model(path: Path) -> tuple[ModelProto, str, str]:
    """The model in a file with all its weights inside, and two SHA-256: of the bytes that it came from, of the file.

    They are the same where all weights are in the file.

    Raises:
        CheckpointError: no file, no ONNX model, damaged, too large, or data missing.
        UnsafeFileError: operators that could be anything, or data outside the file's folder.
    """
    content = _content(path)
    model, digest = _parsed(path, content), hashlib.sha256(content)
    of_file = digest.hexdigest()
    _refuse_illegible(str(path), model)
    _open_dimensions(model)
    refuse_strangers(str(path), model)
    for tensor in model.graph.initializer:
        if tensor.data_location == TensorProto.EXTERNAL:
            digest.update(_bring_in(path, tensor, MOST_BYTES - model.ByteSize()))
    _check(str(path), model)
    return model, digest.hexdigest(), of_file


def _open_dimensions(model: ModelProto) -> None:
    """Some exporters write -1 or 0 for a dimension that is open; the standard has names for it."""
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        for place, dimension in enumerate(value.type.tensor_type.shape.dim):
            if dimension.HasField("dim_value") and dimension.dim_value <= 0:
                dimension.dim_param = f"open_{place}" if place else "n"


def refuse_strangers(where: str, model: ModelProto) -> None:
    """Refuse whatever is no plain graph of standard operators.

    Raises:
        UnsafeFileError: naming what was found.
        CheckpointError: there are more nodes than any face model has.
    """
    if len(model.graph.node) > MOST_NODES:
        raise CheckpointError(where, got=f"{len(model.graph.node):,} nodes", expected=f"at most {MOST_NODES:,}")
    found = next(_strange(model), None)
    if found is not None:
        raise UnsafeFileError(where, got=found, expected="a plain graph of standard ONNX operators", hint=SIMPLER)


def _strange(model: ModelProto) -> Iterator[str]:
    if model.functions:
        yield f"a function of its own, {_named(model.functions[0].name)}"
    if model.training_info:
        yield "a training graph"
    for node in model.graph.node:
        if node.domain not in DOMAINS:
            yield f"the operator {_named(node.op_type)} of the domain {_named(node.domain)}"
        if node.op_type in CONTROL:
            yield f"control flow ({node.op_type})"
        if node.op_type in RANDOM:
            yield f"random numbers ({node.op_type})"
        if any(tensor.data_location == TensorProto.EXTERNAL for tensor in _attached(node)):
            yield f"external data inside the node {_named(node.name or node.op_type)}"


def _attached(node: NodeProto) -> Iterable[TensorProto]:
    for attribute in node.attribute:
        yield from (attribute.t, *attribute.tensors)


def _refuse_illegible(where: str, model: ModelProto) -> None:
    """Names are decoded when they are looked at; whatever is no text is found here, and nowhere later."""
    try:
        legible = all(isinstance(text, str) for text in _texts(model))
    except UnicodeDecodeError:
        legible = False
    if not legible:
        raise CheckpointError(where, got="names that are no text", expected="a whole ONNX model")


def _texts(model: ModelProto) -> Iterator[str]:
    """Every name and note that anybody looks at; protobuf hands some that are no UTF-8 out as bytes."""
    graph = model.graph
    yield from (model.producer_name, model.producer_version, *(one.domain for one in model.opset_import))
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)
    for value in (*graph.input, *graph.output, *graph.value_info):
        yield from (value.name, *(dimension.dim_param for dimension in value.type.tensor_type.shape.dim))
    yield from (tensor.name for tensor in graph.initializer)
    noted = (entry for node in graph.node for entry in node.metadata_props)
    placed = (entry for tensor in graph.initializer for entry in tensor.external_data)
    for entry in (*noted, *placed):
        yield from (entry.key, entry.value)


def _content(path: Path) -> bytes:
    if not is_file(path):
        raise CheckpointError(str(path), got=what_lies_at(path), expected="an ONNX model", hint="checking the path")
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise CheckpointError(str(path), got=f"{size:,} bytes", expected=f"at most {MOST_BYTES:,}")
    content = path.read_bytes()
    if content.startswith(b"version https://git-lfs"):
        got = "a Git LFS pointer, not the model"
        raise CheckpointError(str(path), got=got, expected="an ONNX model", hint="git lfs pull")
    return content


def _parsed(path: Path, content: bytes) -> ModelProto:
    model = ModelProto()
    try:
        model.ParseFromString(content)
    except (DecodeError, RecursionError):
        model.Clear()
    if not model.graph.node:
        got = "bytes that are no ONNX model" if content else "an empty file"
        raise CheckpointError(str(path), got=got, expected="an ONNX model", hint="copying or exporting it again")
    return model


def _bring_in(path: Path, tensor: TensorProto, room: int) -> bytes:
    """Read a tensor's data from the file beside the model, into the model."""
    where, said = f"{path}: {_named(tensor.name)}", {entry.key: entry.value for entry in tensor.external_data}
    data = _beside(path, said.get("location", ""), where)
    expected = _bytes_of(tensor, where)
    offset = int(said["offset"]) if said.get("offset", "0").isdecimal() and "offset" in said else 0
    if expected > room or offset + expected > data.stat().st_size:
        got = f"{expected:,} bytes of data from byte {offset:,} of {data.name}"
        expected_data = f"data that lie in the file, {room:,} bytes at most"
        raise CheckpointError(where, got=got, expected=expected_data, hint="copying the data file again, whole")
    with data.open("rb") as file:
        file.seek(offset)
        tensor.raw_data = file.read(expected)
    tensor.data_location = TensorProto.DEFAULT
    del tensor.external_data[:]
    return tensor.raw_data


def _beside(path: Path, location: str, where: str) -> Path:
    """The data file, which has to lie in the model's own folder, or in the folder that the model itself links into.

    In the cache of a model hub both files are links into one folder of blobs.
    """
    data = Path(os.path.normpath(location))
    if not location or "\0" in location or data.is_absolute() or ".." in data.parts:
        got = f"data in {_named(location)}"
        raise UnsafeFileError(where, got=got, expected="data in the folder of the model", hint=SIMPLER)
    folders = path.parent, real_path(path).parent
    file = next((folder / data for folder in folders if is_file(folder / data)), None)
    if file is None:
        got = f"no file {_named(location)}"
        raise CheckpointError(where, got=got, expected="its data beside it", hint="copying the data file along")
    if not any(real_path(file).is_relative_to(real_path(folder)) for folder in folders):
        got = f"data in {_named(location)}, a link that leads out of the folder"
        hint = f"copying the model and its data, {_named(location)}, into a folder of their own (cp -L follows links)"
        raise UnsafeFileError(where, got=got, expected="data in the folder of the model", hint=hint)
    return file


def _bytes_of(tensor: TensorProto, where: str) -> int:
    try:
        size = helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    except (KeyError, TypeError, ValueError):
        size = 0
    count = size
    for dimension in tensor.dims:
        count *= dimension
    if size == 0 or any(dimension < 0 for dimension in tensor.dims):
        got = f"data of type {tensor.data_type} and shape {tuple(tensor.dims)}"
        raise CheckpointError(where, got=got, expected="numbers")
    return count


def _check(where: str, model: ModelProto) -> None:
    try:
        checker.check_model(model)
    except _CHECKER_GIVES_UP as error:
        first = printable(str(error).strip().partition("\n")[0], 200)
        raise CheckpointError(
            where, got=f"a graph that the ONNX checker refuses ({first})", expected="a valid graph", hint=SIMPLER
        ) from None


def _named(text: str) -> str:
    return repr(printable(text, 80))
