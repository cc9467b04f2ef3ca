"""ONNX files as they come: read, described, refused by name; nothing in them is executed."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from exported import EXPORTERS, exported, faces, small_ir
from needs_onnx import onnx
from onnx import TensorProto, helper, numpy_helper
from small_graphs import save, tiny

from bareface.errors import CheckpointError, TargetError, UnsafeFileError
from bareface.probing.taps import batchnorm_layers
from bareface.settings.spec import ImageSpec
from bareface.targets.onnx.graph import read_graph
from bareface.targets.onnx.target import load_onnx

Change = Callable[[onnx.ModelProto], None]


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_the_surviving_layers_are_found_under_their_names(exporter: str) -> None:
    graph, layers = read_graph(exported(exporter)), batchnorm_layers(small_ir().module)
    expected = [f"body.{n}.res_layer.0" for n in range(8)] + ["output_layer.0"]
    assert [norm.name for norm in graph.norms][:9] == expected
    assert len(graph.norms) == {"script": 10, "dynamo": 9}[exporter]
    for norm in graph.norms:
        layer = layers[norm.name]
        np.testing.assert_array_equal(norm.mean, layer.running_mean.numpy())
        np.testing.assert_array_equal(norm.variance, layer.running_var.numpy() + np.float32(layer.eps))


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_the_architecture_is_known_by_its_kernels(exporter: str) -> None:
    target = load_onnx(exported(exporter))
    assert (target.origin.architecture, target.origin.norms) == ("ir-tiny", 22)
    assert (target.embedding_size, str(target.spec)) == (16, "32x32 RGB, (x - 127.5) / 127.5")


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_embeddings_are_those_of_the_backbone(exporter: str) -> None:
    images = faces(5)
    expected = small_ir().embed(images).detach().numpy()
    np.testing.assert_allclose(load_onnx(exported(exporter)).embed(images).numpy(), expected, atol=1e-5, rtol=1e-5)


def test_a_graph_of_a_fixed_batch_answers_any_number_of_images(tmp_path: Path) -> None:
    free, fixed = tiny(), tiny((4, 3, 8, 8))
    fixed.graph.output[0].type.tensor_type.shape.dim[0].dim_value = 4
    images = faces(6, side=8)
    expected = load_onnx(save(free, tmp_path / "free.onnx")).embed(images)
    found = load_onnx(save(fixed, tmp_path / "fixed.onnx")).embed(images)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_a_number_of_images_that_is_open_only_by_name_is_taken_as_one(tmp_path: Path) -> None:
    model = tiny()
    model.graph.node[1].CopyFrom(helper.make_node("Reshape", ["pooled", "one"], ["flat"]))
    model.graph.initializer.append(numpy_helper.from_array(np.array([1, 3], np.int64), "one"))
    target = load_onnx(save(model, tmp_path / "baked.onnx"))
    assert target.graph.batch == 1
    assert target.embed(faces(3, side=8)).shape == (3, 4)


def test_an_open_size_is_what_the_spec_says(tmp_path: Path) -> None:
    path = save(tiny(("n", 3, "h", "w")), tmp_path / "open.onnx")
    assert (read_graph(path).spec.height, read_graph(path).size_is_open) == (112, True)
    assert read_graph(path, ImageSpec(40, 40)).spec.height == 40


def test_normalisation_inside_the_graph_is_not_repeated(tmp_path: Path) -> None:
    model = tiny()
    half = numpy_helper.from_array(np.float32([127.5]), "half")
    model.graph.initializer.append(half)
    before = [helper.make_node("Sub", ["x", "half"], ["a"]), helper.make_node("Div", ["a", "half"], ["b"])]
    model.graph.node[0].input[0] = "b"
    rest = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(before + rest)
    inside, outside = load_onnx(save(model, tmp_path / "in.onnx")), load_onnx(save(tiny(), tmp_path / "out.onnx"))
    assert (inside.spec.mean, inside.spec.std) == ((0.0,), (1.0,))
    np.testing.assert_allclose(inside.embed(faces(2, side=8)), outside.embed(faces(2, side=8)), atol=1e-6)


def two_inputs(model: onnx.ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1]))


def foreign_operator(model: onnx.ModelProto) -> None:
    model.graph.node[0].domain = "com.evil"


def own_function(model: onnx.ModelProto) -> None:
    model.functions.add(name="anything", domain="here")


def loop(model: onnx.ModelProto) -> None:
    model.graph.node.add(op_type="Loop")


def noise(model: onnx.ModelProto) -> None:
    model.graph.node.add(op_type="RandomNormal")


def hidden_data(model: onnx.ModelProto) -> None:
    node = model.graph.node.add(op_type="Constant", name="secret", output=["c"])
    attribute = node.attribute.add(name="value", type=onnx.AttributeProto.TENSOR)
    attribute.t.data_location = TensorProto.EXTERNAL


def elsewhere(location: str) -> Change:
    def change(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=location)

    return change


def uint8(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8


def channels_last(model: onnx.ModelProto) -> None:
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", TensorProto.FLOAT, ("n", 8, 8, 3)))


def feature_map(model: onnx.ModelProto) -> None:
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("x2", TensorProto.FLOAT, ("n", 3, 8, 8)))
    model.graph.node.append(helper.make_node("Relu", ["x"], ["x2"]))


def huge(model: onnx.ModelProto) -> None:
    shape = numpy_helper.from_array(np.array([1 << 20, 1 << 20], np.int64), "shape")
    model.graph.initializer.append(shape)
    model.graph.node.append(helper.make_node("ConstantOfShape", ["shape"], ["bomb"]))


def computed(*nodes: onnx.NodeProto, **constants: list[float]) -> Change:
    """A value whose size the graph computes."""

    def change(model: onnx.ModelProto) -> None:
        for name, value in constants.items():
            kind = np.float32 if any(isinstance(one, float) for one in value) else np.int64
            model.graph.initializer.append(numpy_helper.from_array(np.array(value, kind), name))
        model.graph.node.extend(nodes)

    change.__name__ = "_".join(node.op_type for node in nodes)
    return change


SHAPE = helper.make_node("Shape", ["x"], ["s"])
TIMES = helper.make_node("Mul", ["s", "k"], ["s2"])
BOMBS = {
    "'bomb' of shape": [
        computed(SHAPE, TIMES, helper.make_node("ConstantOfShape", ["s2"], ["bomb"]), k=[1, 1, 20_000, 20_000]),
        computed(SHAPE, TIMES, helper.make_node("Expand", ["one", "s2"], ["bomb"]), k=[90_000, 100, 1, 1], one=[1.0]),
        computed(SHAPE, helper.make_node("Tile", ["x", "r"], ["bomb"]), r=[1, 1, 100_000, 100_000]),
        computed(
            helper.make_node("Size", ["x"], ["s"]), helper.make_node("Pow", ["s", "two"], ["s2"]),
            helper.make_node("Unsqueeze", ["s2", "zero"], ["s3"]), helper.make_node("Mul", ["s3", "k"], ["s4"]),
            helper.make_node("ConstantOfShape", ["s4"], ["bomb"]), two=[2], zero=[0], k=[1 << 20],
        ),
    ],
    "'bomb' .*, whose size only running the graph would tell": [
        computed(
            helper.make_node("ReduceMax", ["x"], ["m"], keepdims=0), helper.make_node("Cast", ["m"], ["i"], to=7),
            helper.make_node("Unsqueeze", ["i", "zero"], ["s"]), helper.make_node("ConstantOfShape", ["s"], ["bomb"]),
            zero=[0],
        ),
        computed(helper.make_node("NonZero", ["x"], ["bomb"])),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("said", "change"), [(said, change) for said, changes in BOMBS.items() for change in changes])
def test_sizes_that_a_graph_computes_are_bounded(said: str, change: Change, tmp_path: Path) -> None:
    model = tiny()
    change(model)
    with pytest.raises(CheckpointError, match=said):
        read_graph(save(model, tmp_path / "model.onnx"))


def test_honest_sizes_that_a_graph_computes_are_found(tmp_path: Path) -> None:
    model = tiny()
    nodes = [
        SHAPE, helper.make_node("Gather", ["s", "zero"], ["n"]), helper.make_node("Concat", ["n", "k"], ["s2"], axis=0),
        helper.make_node("ConstantOfShape", ["s2"], ["zeros"]), helper.make_node("Expand", ["fc.bias", "s2"], ["more"]),
        helper.make_node("Add", ["zeros", "more"], ["sum"]), helper.make_node("Add", ["sum", "fc"], ["embedding"]),
    ]  # fmt: skip
    model.graph.node[-1].output[0] = "fc"
    computed(*nodes, zero=[0], k=[4])(model)
    model.graph.initializer.append(numpy_helper.from_array(np.ones(4, np.float32), "fc.bias"))
    more, plain = load_onnx(save(model, tmp_path / "more.onnx")), load_onnx(save(tiny(), tmp_path / "plain.onnx"))
    np.testing.assert_allclose(more.embed(faces(3, side=8)), plain.embed(faces(3, side=8)) + 1, atol=1e-6)


@pytest.mark.parametrize("batch", [-1, 0])
def test_a_number_of_images_below_one_is_open(batch: int, tmp_path: Path) -> None:
    model = tiny((batch, 3, 8, 8))
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_value = batch
    graph = load_onnx(save(model, tmp_path / "open.onnx"))
    assert graph.embed(faces(3, side=8)).shape == (3, 4)


def dangling(model: onnx.ModelProto) -> None:
    model.graph.node[1].input[0] = "nothing"


def misfit(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.ones((4, 5), np.float32), "fc.weight"))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (foreign_operator, UnsafeFileError, r"got the operator 'GlobalAveragePool' of the domain 'com.evil'"),
        (own_function, UnsafeFileError, r"got a function of its own, 'anything'"),
        (loop, UnsafeFileError, r"got control flow \(Loop\)"),
        (noise, UnsafeFileError, r"got random numbers \(RandomNormal\)"),
        (hidden_data, UnsafeFileError, r"got external data inside the node 'secret'"),
        (elsewhere("/etc/passwd"), UnsafeFileError, r"fc.weight': got data in '/etc/passwd'; expected data in"),
        (elsewhere("../out.bin"), UnsafeFileError, r"got data in '../out.bin'"),
        (elsewhere(""), UnsafeFileError, r"got data in ''"),
        (elsewhere("gone.bin"), CheckpointError, r"got no file 'gone.bin'; expected its data beside it"),
        (elsewhere("short.bin"), CheckpointError, r"got 48 bytes of data from byte 0 of short.bin; expected data that"),
        (two_inputs, TargetError, r"got 2 inputs \(x, mask\); expected one, for images"),
        (uint8, TargetError, r"got an input of type UINT8; expected float32 images"),
        (channels_last, TargetError, r"got an input of shape \(any, 8, 8, 3\).* Try: exporting with channels before"),
        (feature_map, TargetError, r"got outputs of shape .*; expected embeddings \(n, d\)"),
        (huge, CheckpointError, r"got 'bomb' of shape \(1048576, 1048576\); expected at most 268,435,456 numbers"),
        (dangling, CheckpointError, r"got a graph that the ONNX checker refuses"),
        (misfit, CheckpointError, r"got a graph whose shapes do not fit"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)  # fmt: skip
def test_what_is_no_plain_face_model_is_refused_by_name(
    change: Change, error: type[Exception], message: str, tmp_path: Path
) -> None:
    model = tiny()
    change(model)
    (tmp_path / "short.bin").write_bytes(b"1234")
    with pytest.raises(error, match=message):
        read_graph(save(model, tmp_path / "model.onnx"))


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "weights.bin").write_bytes(bytes(48))
    os.symlink(tmp_path / "weights.bin", tmp_path / "in" / "link.bin")
    model = tiny()
    elsewhere("link.bin")(model)
    with pytest.raises(UnsafeFileError, match=r"got data in 'link.bin'"):
        read_graph(save(model, tmp_path / "in" / "model.onnx"))


def test_data_beside_the_file_count_in_the_fingerprint(tmp_path: Path) -> None:
    model = tiny()
    elsewhere("weights.bin")(model)
    path = save(model, tmp_path / "model.onnx")
    prints = []
    for number in (0, 1):
        (tmp_path / "weights.bin").write_bytes(np.full(12, number, np.float32).tobytes())
        prints.append(load_onnx(path).sha256)
    assert prints[0] != prints[1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "got an empty file; expected an ONNX model"),
        (b"\x80\x04not a model", "got bytes that are no ONNX model"),
        (b"version https://git-lfs.github.com/spec/v1\n", "got a Git LFS pointer, not the model.* Try: git lfs pull"),
    ],
)
def test_what_is_no_model_is_told_apart(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        read_graph(tmp_path / "x.onnx")
    with pytest.raises(CheckpointError, match="got no such file"):
        read_graph(tmp_path / "y.onnx")


def test_a_spec_that_contradicts_the_file_is_refused(tmp_path: Path) -> None:
    path = save(tiny(), tmp_path / "x.onnx")
    with pytest.raises(TargetError, match=r"got the input 40x40 RGB.*; expected 3 channels of 8 x 8, as the file says"):
        read_graph(path, ImageSpec(40, 40))


def test_names_that_are_no_text_are_refused(tmp_path: Path) -> None:
    content = tiny().SerializeToString().replace(b"pooled", b"poo\xff\xfed")
    (tmp_path / "x.onnx").write_bytes(content)
    with pytest.raises(CheckpointError, match="got names that are no text; expected a whole ONNX model"):
        read_graph(tmp_path / "x.onnx")


def test_what_the_runtime_refuses_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"got a graph that onnxruntime refuses \(.*\); expected one that runs"):
        load_onnx(save(tiny(opset=17), tmp_path / "x.onnx")).embed(faces(1, side=9))
