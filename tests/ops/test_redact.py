"""No password leaves in a URL or in a library's error text."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.ops.redact import redact_text, redact_url

SECRETS = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=8, max_size=20)


@given(SECRETS, SECRETS)
def test_user_and_password_never_stay(user: str, password: str) -> None:
    url = f"rtsp://{user}:{password}@10.0.0.1:554/live"
    assert redact_url(url) == "rtsp://10.0.0.1:554/live"
    text = redact_text(f"[Errno 111] Connection refused: '{url}' and {url}")
    assert password not in text
    assert "10.0.0.1" in text


@given(SECRETS)
def test_secret_query_values_never_stay(secret: str) -> None:
    for name in ("password", "pwd", "token", "auth", "user"):
        assert secret not in redact_url(f"http://cam/video?{name}={secret}&channel=1").replace("cam/video", "")


def test_passwords_with_odd_signs() -> None:
    assert redact_url("rtsp://admin:p%40ss:w@rd@cam/1") == "rtsp://cam/1"
    assert "w@rd" not in redact_text("open rtsp://admin:p:w@rd@cam/1 failed")
    assert redact_url("clips/a.mp4") == "clips/a.mp4"
    assert redact_url("http://[broken") == "http://[broken"
