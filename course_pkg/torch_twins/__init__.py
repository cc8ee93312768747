"""The models of the course as torch modules on plain nn.Parameters, and loaders both ways.

A twin computes the same equation as its NumPy function, step by step, and autograd goes back; the tests hold the two
equal. This is the one folder of the package that imports torch.

    twin = torch_twins.RNN.from_params(p)      # p: course_pkg.rnn.RNNParams, any dtype
    hs = twin(xs, h0, mask)                    # tensors; the same shapes as rnn_forward
    module = torch_twins.to_torch_rnn(p)       # torch.nn's own, and back: from_torch_rnn(module)
"""

try:
    import torch  # noqa: F401
except ImportError as error:
    raise ImportError("course_pkg.torch_twins: torch is needed here and is not installed (see the README)") from error

from course_pkg.torch_twins.attention import (
    from_torch_encoder_block,
    from_torch_multi_head,
    to_torch_encoder_block,
    to_torch_multi_head,
)
from course_pkg.torch_twins.cells import cell_of, make_cell
from course_pkg.torch_twins.dense import MLP, Dense
from course_pkg.torch_twins.gru import GRU
from course_pkg.torch_twins.jordan import Jordan
from course_pkg.torch_twins.language import LanguageModel
from course_pkg.torch_twins.layers import (
    from_torch_gru,
    from_torch_layers,
    from_torch_lstm,
    to_torch_gru,
    to_torch_layers,
    to_torch_lstm,
)
from course_pkg.torch_twins.loaders import (
    from_torch_linear,
    from_torch_rnn,
    load_params,
    read_grads,
    read_params,
    to_torch_linear,
    to_torch_rnn,
)
from course_pkg.torch_twins.lstm import LSTM
from course_pkg.torch_twins.lstm_variants import CoupledLSTM, PeepholeLSTM
from course_pkg.torch_twins.readout import EncoderDecoder, OneToMany, ReadoutRNN
from course_pkg.torch_twins.rnn import RNN
from course_pkg.torch_twins.scheduled_sampling import scheduled_inputs
from course_pkg.torch_twins.seq2seq import Seq2Seq
from course_pkg.torch_twins.tcn import TCN, CausalConv, from_torch_conv, to_torch_conv
from course_pkg.torch_twins.variants import MUT1, MUT2, MUT3

__all__ = [
    "CausalConv",
    "CoupledLSTM",
    "Dense",
    "EncoderDecoder",
    "GRU",
    "Jordan",
    "LSTM",
    "LanguageModel",
    "MLP",
    "MUT1",
    "MUT2",
    "MUT3",
    "OneToMany",
    "PeepholeLSTM",
    "RNN",
    "ReadoutRNN",
    "Seq2Seq",
    "TCN",
    "cell_of",
    "from_torch_conv",
    "from_torch_encoder_block",
    "from_torch_gru",
    "from_torch_layers",
    "from_torch_linear",
    "from_torch_lstm",
    "from_torch_multi_head",
    "from_torch_rnn",
    "load_params",
    "make_cell",
    "read_grads",
    "read_params",
    "scheduled_inputs",
    "to_torch_conv",
    "to_torch_encoder_block",
    "to_torch_gru",
    "to_torch_layers",
    "to_torch_linear",
    "to_torch_lstm",
    "to_torch_multi_head",
    "to_torch_rnn",
]
