from hypothesis import given
from hypothesis import strategies as st

from tf_facerecon.training.epochs import EpochSegment, epoch_segments


def test_epoch_segments_preset():
    assert epoch_segments(0, 6, 3) == [EpochSegment(0, 0, 2, 3)]
    assert epoch_segments(6, 6, 3) == []
    assert epoch_segments(4, 10, 3) == [
        EpochSegment(4, 1, 1, 2, is_continued=True),
        EpochSegment(6, 2, 1, 3),
        EpochSegment(9, 3, 1, 1),
    ]


def test_epoch_segments_cut_in_a_short_last_epoch():
    assert epoch_segments(7, 8, 6) == [EpochSegment(7, 1, 1, 1, is_continued=True)]


@given(st.integers(0, 60), st.integers(1, 60), st.integers(1, 20))
def test_epoch_segments_end_where_an_uncut_run_ends_its_epochs(first, last, length):
    ends = []
    for segment in epoch_segments(first, last, length):
        assert segment.first_step == (ends[-1] if ends else first)
        for number in range(1, segment.num_epochs + 1):
            ends.append(segment.first_step + number * segment.steps_per_epoch)
    uncut = sorted({*range(length, last + 1, length), last})
    assert ends == [end for end in uncut if end > first]
