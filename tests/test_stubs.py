"""The type stub is what ``make stubs`` would write."""

from tools import stubs


def test_the_stub_of_the_torch_namespace_is_fresh():
    assert stubs.TARGET.read_text() == stubs.text(), "run `make stubs`"
