import numpy as np

from tf_facerecon.datasets import epoch_order


def test_sampler_takes_the_items_of_each_epoch_from_any_sample():
    choose = epoch_order.sampler(lambda epoch: [f"{epoch}{item}" for item in "abc"])
    assert [choose(index) for index in (7, 0, 3, 2, 301)] == ["2b", "0a", "1a", "0c", "100b"]


def test_epoch_sampler_permutes_every_epoch():
    choose = epoch_order.epoch_sampler(6, seed=4, shuffle=True)
    epochs = [[choose(6 * epoch + item) for item in range(6)] for epoch in range(3)]
    for number, epoch in enumerate(epochs):
        assert sorted(epoch) == list(range(6)) and all(type(item) is int for item in epoch)
        assert epoch == np.random.default_rng([4, 0, number]).permutation(6).tolist()
    assert epochs[0] != epochs[1] != epochs[2]


def test_epoch_sampler_in_order():
    choose = epoch_order.epoch_sampler(3, seed=4, shuffle=False)
    assert [choose(index) for index in range(7)] == [0, 1, 2, 0, 1, 2, 0]
