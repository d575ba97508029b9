"""What a test may lack (real data, servers, a browser): absent, it skips with the reason; under CI it fails."""

import os
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]


def skip_or_fail(reason: str) -> None:
    """Skip the test, or fail it where SIAGA_REQUIRE_ALL=1 says that everything must be there."""
    if os.environ.get("SIAGA_REQUIRE_ALL") == "1":
        pytest.fail(f"required here: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real pictures and clips, or a skip."""
    folder = Path(os.environ.get("SIAGA_SHARED", REPO.parent / "shared"))
    if not (folder / "data" / "incidents.csv").is_file():
        skip_or_fail(f"no real data beside the repository ({folder.name}/data)")
    return folder
