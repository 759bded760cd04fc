import collections

from tf_facerecon.datasets.person_order import group_by_person, person_sampler

NAMES = ("anna/1.png", "anna/2.png", "anna/3.png", "ben/1.png", "ben/2.png", "carl.png")


def test_group_by_person():
    assert group_by_person(("a.png", "b/1.png", "b/c/1.png", "b/2.png")) == {
        ".": ["a.png"],
        "b": ["b/1.png", "b/2.png"],
        "b/c": ["b/c/1.png"],
    }


def test_person_sampler_in_order():
    choose = person_sampler(NAMES, 2, seed=0, shuffle=False)
    epoch = [("anna/1.png", 0), ("anna/2.png", 0), ("anna/3.png", 0), ("anna/1.png", 0)]
    epoch += [("ben/1.png", 1), ("ben/2.png", 1), ("carl.png", 2), ("carl.png", 2)]
    assert [choose(index) for index in range(16)] == epoch * 2


def test_person_sampler_shuffled():
    choose = person_sampler(NAMES, 2, seed=5, shuffle=True)
    epochs = [[choose(epoch * 8 + index) for index in range(8)] for epoch in range(20)]
    for epoch in epochs:
        shown = collections.Counter(name for name, _ in epoch)
        assert shown.keys() == set(NAMES) and shown["carl.png"] == 2
        assert sorted(shown[f"anna/{i}.png"] for i in (1, 2, 3)) == [1, 1, 2]
        for first, second in zip(epoch[::2], epoch[1::2], strict=True):
            assert first[1] == second[1]
    assert len({tuple(epoch) for epoch in epochs}) > 15
    again = person_sampler(NAMES, 2, seed=5, shuffle=True)
    assert [again(index) for index in range(8, 16)] == epochs[1]
    other = person_sampler(NAMES, 2, seed=6, shuffle=True)
    assert [other(index) for index in range(160)] != sum(epochs, [])
