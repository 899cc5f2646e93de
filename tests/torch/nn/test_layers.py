"""Every layer against the live one: same seed, same weights to the bit; same text; same output."""

import pytest

import functorch_lite.torch as torch

S, C, V = (2, 4, 6), (2, 4, 6, 6), (2, 4, 4, 4, 4)  # signals, images, volumes

# (class, positional arguments, keywords, shape of the input)
ROWS = [
    ("Linear", (6, 3), {}, S),
    ("Linear", (6, 3), {"bias": False}, S),
    ("Identity", (1,), {"a": 2}, S),
    ("Flatten", (), {}, S),
    ("Unflatten", (1, (2, 2)), {}, S),
    ("Conv1d", (4, 6, 3), {"padding": "same", "padding_mode": "circular"}, S),
    ("Conv2d", (4, 6, 3), {"stride": 2, "groups": 2}, C),
    ("Conv2d", (4, 6, (3, 1)), {"padding": (1, 0), "dilation": 2, "bias": False}, C),
    ("Conv3d", (4, 2, 3), {"padding": 1}, V),
    ("ConvTranspose1d", (4, 6, 3), {"stride": 2, "output_padding": 1}, S),
    ("ConvTranspose2d", (4, 6, 3), {"stride": 2, "padding": 1}, C),
    ("MaxPool1d", (2,), {}, S),
    ("MaxPool2d", (3,), {"stride": 2, "padding": 1}, C),
    ("MaxPool3d", (2,), {"return_indices": True}, V),
    ("AvgPool1d", (2,), {}, S),
    ("AvgPool2d", (3,), {"stride": 2, "padding": 1, "count_include_pad": False}, C),
    ("AdaptiveAvgPool2d", ((3, None),), {}, C),
    ("AdaptiveMaxPool2d", (2,), {}, C),
    ("LPPool2d", (2, 3), {}, C),
    ("BatchNorm1d", (4,), {}, S),
    ("BatchNorm2d", (4,), {"momentum": None}, C),
    ("BatchNorm2d", (4,), {"affine": False, "track_running_stats": False}, C),
    ("InstanceNorm2d", (4,), {"affine": True}, C),
    ("GroupNorm", (2, 4), {}, C),
    ("LayerNorm", (6,), {}, S),
    ("LayerNorm", ((4, 6),), {"bias": False}, S),
    ("RMSNorm", (6,), {}, S),
    ("LocalResponseNorm", (2,), {}, C),
    ("CrossMapLRN2d", (3,), {"alpha": 0.5}, C),
    ("Dropout", (0.3,), {}, S),
    ("Dropout2d", (0.3,), {}, C),
    ("AlphaDropout", (0.3,), {}, S),
    ("ZeroPad2d", (1,), {}, C),
    ("ConstantPad1d", ((1, 2), 3.5), {}, S),
    ("ReflectionPad2d", (1,), {}, C),
    ("ReplicationPad3d", (1,), {}, V),
    ("CircularPad1d", (1,), {}, S),
    ("PixelShuffle", (2,), {}, C),
    ("PixelUnshuffle", (2,), {}, C),
    ("ChannelShuffle", (2,), {}, C),
    ("Unfold", (2,), {}, C),
    ("ReLU", (), {"inplace": True}, S),
    ("ReLU6", (), {}, S),
    ("LeakyReLU", (0.2,), {}, S),
    ("PReLU", (4,), {}, S),
    ("ELU", (), {}, S),
    ("GELU", (), {"approximate": "tanh"}, S),
    ("SiLU", (), {}, S),
    ("Hardtanh", (-1, 0.5), {}, S),
    ("Softplus", (), {}, S),
    ("Threshold", (0.1, 20), {}, S),
    ("GLU", (1,), {}, S),
    ("Softmax", (2,), {}, S),
    ("LogSoftmax", (1,), {}, S),
    ("LSTM", (6, 3, 2), {"batch_first": True, "bidirectional": True}, S),
    ("GRU", (6, 3), {}, S),
    ("RNN", (6, 3), {"nonlinearity": "relu"}, S),
    ("LSTMCell", (6, 3), {}, (2, 6)),
    ("LazyLinear", (3,), {}, S),
    ("LazyConv2d", (3, 2), {}, C),
    ("LazyBatchNorm2d", (), {}, C),
]


@pytest.mark.parity
@pytest.mark.parametrize(("name", "args", "kwargs", "shape"), ROWS)
def test_a_layer_is_made_and_runs_as_in_torch(name, args, kwargs, shape, same):
    def scenario(t):
        layer = getattr(t.nn, name)(*args, **kwargs)
        text = repr(layer)
        x = t.randn(shape)
        out = [text, layer(x), repr(layer), layer.state_dict(), layer.training]
        return [*out, layer.eval()(x)]

    same(scenario)


WEIGHTS_ONLY = [
    ("Bilinear", (2, 3, 4), {}),
    ("Conv3d", (2, 4, 3), {}),
    ("Embedding", (5, 3), {"padding_idx": -2}),
    ("EmbeddingBag", (5, 3), {"mode": "sum"}),
    ("MultiheadAttention", (4, 2), {"add_bias_kv": True, "kdim": 3}),
    ("Transformer", (4, 2, 1, 1, 8), {}),
    ("TransformerEncoderLayer", (4, 2, 8), {"batch_first": True}),
    ("LSTM", (3, 4, 2), {"proj_size": 2, "bidirectional": True}),
    ("AdaptiveLogSoftmaxWithLoss", (8, 20, [5, 10]), {}),
    ("SyncBatchNorm", (3,), {}),
]


@pytest.mark.parity
@pytest.mark.parametrize(("name", "args", "kwargs"), WEIGHTS_ONLY)
def test_initial_weights_are_the_same_bits(name, args, kwargs, same):
    def scenario(t):
        layer = getattr(t.nn, name)(*args, **kwargs)
        return [repr(layer), layer.state_dict(), [n for n, _ in layer.named_parameters()]]

    same(scenario, exact=True)


LOSSES = [
    ("MSELoss", {}, "float"),
    ("L1Loss", {"reduction": "sum"}, "float"),
    ("SmoothL1Loss", {"beta": 0.5}, "float"),
    ("HuberLoss", {"reduction": "none"}, "float"),
    ("BCEWithLogitsLoss", {}, "float"),
    ("CrossEntropyLoss", {"label_smoothing": 0.1}, "class"),
    ("CrossEntropyLoss", {"ignore_index": 1}, "class"),
    ("NLLLoss", {}, "class"),
    ("MultiMarginLoss", {}, "class"),
    ("KLDivLoss", {"reduction": "batchmean"}, "float"),
    ("PoissonNLLLoss", {}, "float"),
    ("MSELoss", {"size_average": False}, "float"),
]


@pytest.mark.parity
@pytest.mark.parametrize(("name", "kwargs", "target"), LOSSES)
def test_a_loss_has_the_value_and_gradient_of_torch(name, kwargs, target, same):
    def scenario(t):
        loss = getattr(t.nn, name)(**kwargs)
        x = t.randn(4, 5, requires_grad=True)
        y = t.rand(4, 5) if target == "float" else t.tensor([1, 0, 4, 2])
        value = loss(x, y)
        value.sum().backward()
        return [repr(loss), value, x.grad]

    same(scenario)


def test_a_linear_layer_is_a_matrix_product():
    layer = torch.nn.Linear(3, 2)
    x = torch.tensor([[1.0, 2.0, 3.0]])
    assert torch.allclose(layer(x), x @ layer.weight.T + layer.bias)


def test_batch_norm_counts_batches_in_training_only():
    layer = torch.nn.BatchNorm1d(2)
    layer(torch.zeros(3, 2))
    layer.eval()(torch.zeros(3, 2))
    assert layer.num_batches_tracked.item() == 1


def test_dropout_does_nothing_in_evaluation():
    x = torch.ones(3)
    assert (
        torch.nn.Dropout(0.9).eval()(x) is x or torch.nn.Dropout(0.9).eval()(x).tolist() == [1] * 3
    )


def test_a_lazy_layer_becomes_an_ordinary_one():
    layer = torch.nn.LazyLinear(2)
    assert repr(layer.weight) == "<UninitializedParameter>"
    layer(torch.zeros(1, 5))
    assert type(layer) is torch.nn.Linear
    assert layer.in_features == 5
