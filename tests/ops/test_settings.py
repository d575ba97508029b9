"""The configuration file: strict, and every error names file, line and key."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ops.errors import ConfigError
from pipeline.ops.example import example_yaml
from pipeline.ops.sections import Section
from pipeline.ops.settings import Settings, load_settings
from tests.shared import REPO


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "siaga.yaml"
    file.write_text(text)
    return file


def test_the_shipped_file_is_complete_and_states_the_defaults() -> None:
    file = REPO / "configs" / "siaga.yaml"
    assert file.read_text() == example_yaml()
    loaded = load_settings(file)
    plain = Settings()
    assert loaded.model_copy(update={"base": plain.base, "data_dir": plain.data_dir}) == plain


def test_every_field_is_explained() -> None:
    def check(section: type[Section]) -> None:
        for name, field in section.model_fields.items():
            inner = field.annotation
            if isinstance(inner, type) and issubclass(inner, Section):
                check(inner)
            elif section is not Settings:
                assert field.description, f"{section.__name__}.{name}"

    check(Settings)


def test_an_empty_file_means_all_defaults(tmp_path: Path) -> None:
    assert load_settings(write(tmp_path, "")).grab.floor_fps == 1.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("grab:\n  flor_fps: 2\n", "siaga.yaml:2: grab.flor_fps: unknown key"),
        ("city:\n  name: X\ngrab:\n  floor_fps: quick\n", "siaga.yaml:4: grab.floor_fps: "),
        ("confirm:\n  kinds:\n    fire:\n      threshold: 1.5\n", "siaga.yaml:4: confirm.kinds.fire.threshold: "),
        ("confirm:\n  kinds:\n    aliens: {}\n", "siaga.yaml:3: confirm.kinds.aliens"),
        ("desk: {port: 1}\ndesk: {port: 2}\n", "siaga.yaml:2: desk: key stands twice"),
        ("grab: [\n", "siaga.yaml:2: not valid YAML"),
        ("- 1\n", "must be a mapping"),
        ("base: /tmp\n", "siaga.yaml:1: base: unknown key"),
        ("alert:\n  webhooks:\n    - name: a\n      url: ftp://x\n      secret: 0123456789abcdef\n", "siaga.yaml:4: "),
    ],
)
def test_errors_name_file_line_and_key(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(write(tmp_path, text))
    assert expected in str(caught.value)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(write(tmp_path, "grab:\n  a: 1\n  b: 2\n"))
    assert len(str(caught.value).splitlines()) == 2


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: cannot be read"):
        load_settings(tmp_path / "nowhere.yaml")


def test_paths(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, "data_dir: here\n"), tmp_path / "data")
    assert settings.data_path("bus") == tmp_path / "data" / "bus"
    assert settings.registry_path("cameras.csv") == tmp_path / "cameras.csv"
    (tmp_path / "models" / "m").mkdir(parents=True)
    assert settings.model_path("models/m") == tmp_path / "models" / "m"


@given(st.binary(max_size=300))
def test_no_bytes_bring_anything_but_a_clear_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.mktemp("fuzz") / "siaga.yaml"
    file.write_bytes(content)
    try:
        load_settings(file)
    except ConfigError as error:
        assert "siaga.yaml" in str(error)
