"""What the intake keeps in mind, and how it divides what may be under way: without a socket."""

import itertools

import pytest

from station.bus.fairness import Credit, OpenParcels, Tries
from station.bus.parcel import Offer, ParcelFile
from station.documents.limits import Limits

FILE = ParcelFile(name="a", sha256="0" * 64, bytes=1)


def offer(parcel: str, files: int = 1) -> Offer:
    listed = tuple(FILE.replace(name=f"f{number}") for number in range(files))
    return Offer(parcel=parcel, scan_id="s", files=listed)


def test_a_station_alone_has_the_whole_of_what_one_may_have() -> None:
    assert Credit(Limits(credit_chunks=8, credit_in_all=64)).grant(b"a", 0.0) == 8


@pytest.mark.parametrize("stations", [2, 9, 50, 100])
def test_the_credit_of_all_together_stays_within_its_limit(stations: int) -> None:
    limits = Limits(credit_chunks=8, credit_in_all=64)
    credit = Credit(limits)
    under_way = {who: credit.grant(str(who).encode(), 0.0) for who in range(stations)}
    assert min(under_way.values()) >= 1
    assert sum(under_way.values()) <= max(64, 64 - 8 + stations)
    for who in itertools.chain.from_iterable(itertools.repeat(range(stations), 10)):
        under_way[who] += credit.answers(str(who).encode(), 0.0) - 1
        assert under_way[who] >= 1
    assert sum(under_way.values()) <= max(64, stations)
    assert max(under_way.values()) - min(under_way.values()) <= 1


def test_what_a_finished_or_silent_station_had_goes_to_the_others() -> None:
    credit = Credit(Limits(credit_chunks=8, credit_in_all=8, credit_idle_s=10.0))
    assert credit.grant(b"a", 0.0) == 8
    assert credit.grant(b"b", 0.0) == 1
    credit.done(b"a")
    assert [credit.answers(b"b", 1.0) for _ in range(9)] == [2] * 7 + [1, 1]
    assert credit.grant(b"c", 2.0) == 1
    assert credit.grant(b"d", 12.0) == 4  # b and c were not heard for ten seconds


def test_a_connection_with_too_many_parcels_pushes_out_its_own_and_nobody_elses() -> None:
    parcels = OpenParcels(Limits(open_parcels=100, open_parcels_each=2))
    parcels.put(b"quiet", offer("q"), 0.0)
    for number in range(50):
        parcels.put(b"greedy", offer(f"g{number}"), 1.0)
    assert parcels.get(b"quiet", "q", 2.0) is not None
    assert [n for n in range(50) if parcels.get(b"greedy", f"g{n}", 2.0)] == [48, 49]


def test_files_of_all_parcels_together_are_limited_and_the_longest_unused_goes() -> None:
    parcels = OpenParcels(Limits(open_files=10))
    for number in range(3):
        parcels.put(bytes([number]), offer(f"p{number}", files=4), float(number))
        assert parcels.get(b"\0", "p0", float(number)) is not None
    assert parcels.get(b"\1", "p1", 3.0) is None
    assert parcels.get(b"\2", "p2", 3.0) is not None


def test_two_stations_may_call_their_parcels_the_same() -> None:
    parcels = OpenParcels(Limits())
    parcels.put(b"a", offer("p", files=1), 0.0)
    parcels.put(b"b", offer("p", files=2), 0.0)
    assert [len(found.files) for who in (b"a", b"b") if (found := parcels.get(who, "p", 0.0))] == [1, 2]


def test_a_parcel_whose_station_fell_silent_is_not_in_hand() -> None:
    parcels = OpenParcels(Limits())
    parcels.put(b"a", offer("p"), 0.0)
    assert (parcels.in_hand(59.0), parcels.in_hand(61.0)) == (1, 0)


def test_tries_are_counted_for_each_parcel_and_forgotten_with_its_success() -> None:
    tries = Tries(3)
    assert [tries.failed("p") for _ in range(2)] == [False, False]
    assert not tries.failed("other")
    tries.succeeded("p")
    assert [tries.failed("p") for _ in range(3)] == [False, False, True]
