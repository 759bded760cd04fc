import collections

import pytest

from tf_facerecon.evaluation import photo_pairs

COUNTS = {"a": 1, "b": 2, "c": 3, "d": 20}
NAMES = [f"set/{person}/{i}.jpg" for person, count in COUNTS.items() for i in range(count)]


def test_choose_pairs_of_one_person_and_of_two():
    pairs = photo_pairs.choose_pairs(NAMES, 60)
    assert len(pairs.same) == len(pairs.different) == 60
    for same in pairs.same:
        assert photo_pairs.person_of(same[0]) == photo_pairs.person_of(same[1])
    for different in pairs.different:
        assert photo_pairs.person_of(different[0]) != photo_pairs.person_of(different[1])
    for chosen in (pairs.same, pairs.different):
        assert len({frozenset(pair) for pair in chosen}) == 60 and all(a != b for a, b in chosen)
    assert len(pairs.names) == len(set(pairs.names)) and set(pairs.names) <= set(NAMES)


def test_choose_pairs_takes_people_in_turn():
    """b has one pair, c three, d 190."""
    pairs = photo_pairs.choose_pairs(NAMES, 10).same
    counts = collections.Counter(photo_pairs.person_of(first) for first, _ in pairs)
    assert counts == {"b": 1, "c": 3, "d": 6}


def test_choose_pairs_follows_the_seed_not_the_order():
    pairs = photo_pairs.choose_pairs(NAMES, 20, seed=3)
    assert photo_pairs.choose_pairs(NAMES[::-1], 20, seed=3) == pairs
    assert photo_pairs.choose_pairs(NAMES, 20, seed=4) != pairs


def test_choose_pairs_can_take_all():
    names = ["a/1", "a/2", "b/1", "b/2", "b/3"]  # 1 + 3 pairs of one person, 6 of two.
    assert len(photo_pairs.choose_pairs(names, 4).same) == 4


@pytest.mark.parametrize("count", [0, 5])
def test_choose_pairs_count_exception_raised(count):
    with pytest.raises(
        ValueError, match=f"Received: {count}; there are 4 pairs of one .* 6 of two"
    ):
        photo_pairs.choose_pairs(["a/1", "a/2", "b/1", "b/2", "b/3"], count)


def test_choose_pairs_names_exception_raised():
    with pytest.raises(ValueError, match="must be named <person>/<photograph>. Received: 'a.jpg'"):
        photo_pairs.choose_pairs(["a.jpg", "b/1.jpg"], 1)
