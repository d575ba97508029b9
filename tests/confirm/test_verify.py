from itertools import cycle, islice

from pipeline.confirm.verify import behaviour


def test_a_lamp_is_rigid():
    lamp = [(0.4, 0.4, 0.5, 0.5 + 0.001 * (i % 2)) for i in range(10)]
    assert behaviour(lamp).rigid


def test_a_flame_flickers():
    flame = list(islice(cycle([(0.4, 0.4, 0.5, 0.5), (0.39, 0.36, 0.52, 0.5), (0.41, 0.42, 0.49, 0.5)]), 10))
    shape = behaviour(flame)
    assert not shape.rigid
    assert shape.flicker > 0.2
    assert shape.reasons()[0].startswith("flicker:")


def test_what_grows_steadily_is_not_rigid():
    growing = [(0.4, 0.4, 0.5 + 0.01 * i, 0.5 + 0.01 * i) for i in range(10)][::-1]
    shape = behaviour(growing)
    assert not shape.rigid
    assert shape.growth > 1


def test_what_wanders_is_not_rigid():
    assert not behaviour([(0.1 + 0.02 * i, 0.4, 0.2 + 0.02 * i, 0.5) for i in range(8)]).rigid


def test_few_boxes_say_nothing():
    shape = behaviour([(0.4, 0.4, 0.5, 0.5)] * 3)
    assert not shape.rigid
    assert shape.reasons() == ()


def test_boxes_without_area_are_measured_too():
    assert behaviour([(0.4, 0.4, 0.4, 0.4)] * 5).boxes == 5
