import pytest

from pipeline.desk.passwords import generate_password, hash_password, verify_password, weakness


def test_a_hash_is_argon2id_and_checks() -> None:
    stored = hash_password("sepeda-hujan-7")
    assert stored.startswith("$argon2id$")
    assert verify_password(stored, "sepeda-hujan-7")
    assert not verify_password(stored, "sepeda-hujan-8")


def test_nobody_and_a_broken_hash_are_never_right() -> None:
    assert not verify_password(None, "sepeda-hujan-7")
    assert not verify_password("not a hash", "sepeda-hujan-7")


def test_generated_passwords_differ_and_are_strong_enough() -> None:
    made = {generate_password() for _ in range(200)}
    assert len(made) == 200
    assert all(len(one) == 19 and weakness(one, "budi") is None for one in made)


@pytest.mark.parametrize("password", ["pendek", "x" * 201, "budi-sudah-makan", "aaaaaaaaaaaa", "abababababab"])
def test_weak_passwords_are_refused(password: str) -> None:
    assert weakness(password, "Budi")
