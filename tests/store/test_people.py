"""People and their sign-ins; camera states and health."""

from pipeline.ops.health import StageHealth
from pipeline.store.cameras import CameraState, list_states, save_state
from pipeline.store.database import Database
from pipeline.store.health import StoredHealth, forget_health, list_health, save_health
from pipeline.store.people import (
    add_user,
    close_session,
    count_users,
    forget_sessions,
    get_user,
    list_users,
    open_session,
    session_user,
    set_disabled,
    set_password,
)


def test_people(database: Database) -> None:
    with database.session() as session:
        assert count_users(session) == 0
        assert add_user(session, "budi", "hash-1", "piket", ["31.71.01.1001"], 5) is not None
        assert add_user(session, "budi", "hash-2", "admin", [], 6) is None
        assert add_user(session, "ani", "hash-3", "satpol", ["31.71"], 7) is not None
    with database.reading() as session:
        assert [(row.name, row.role, row.areas, row.disabled) for row in list_users(session)] == [
            ("ani", "satpol", ["31.71"], False), ("budi", "piket", ["31.71.01.1001"], False),
        ]  # fmt: skip
        assert count_users(session) == 2


def test_sign_ins_end(database: Database) -> None:
    with database.session() as session:
        add_user(session, "budi", "hash-1", "piket", [], 5)
        for token in ("t1", "t2", "t3"):
            open_session(session, token, "budi", 10, 100)
        close_session(session, "t3")

    def whose(token: str, at_ms: int = 50) -> str | None:
        with database.reading() as session:
            user = session_user(session, token, at_ms)
            return user.name if user else None

    assert [whose("t1"), whose("t2", 99), whose("t1", 100), whose("t3"), whose("none")] == [
        "budi", "budi", None, None, None,
    ]  # fmt: skip
    with database.session() as session:
        assert set_disabled(session, "budi", True)
        assert not set_disabled(session, "none", True)
    assert whose("t1") is None
    with database.session() as session:
        set_disabled(session, "budi", False)
        open_session(session, "t4", "budi", 10, 100)
        open_session(session, "t5", "budi", 10, 20)
        forget_sessions(session, 50)
    assert [whose("t4", 15), whose("t5", 15)] == ["budi", None]
    with database.session() as session:
        assert set_password(session, "budi", "hash-9")
        assert not set_password(session, "none", "hash-9")
        user = get_user(session, "budi")
        assert user is not None
        assert user.password_hash == "hash-9"
    assert whose("t4", 15) is None


def test_the_last_state_of_a_camera_stays(database: Database) -> None:
    live = CameraState("cam-1", "live", 5, last_frame_ms=9, detail={"fps": 1.5})
    lost = CameraState("cam-1", "lost", 20, "timed out after 4 s", 12)
    with database.session() as session:
        save_state(session, live)
        save_state(session, CameraState("cam-2", "frozen", 7, "the same picture for 30 s"))
    with database.session() as session:
        save_state(session, lost)
    with database.reading() as session:
        assert list_states(session)["cam-1"] == lost
        assert list(list_states(session)) == ["cam-1", "cam-2"]


def test_the_last_word_of_a_stage_stays(database: Database) -> None:
    with database.session() as session:
        save_health(session, StageHealth("detect", "detect-1", 5, True, "working", {"fps": 3}))
        save_health(session, StageHealth("alert", "alert-0", 6, True, "idle"))
    with database.session() as session:
        save_health(session, StageHealth("alert", "alert-0", 99, False, "records wait"))
    with database.reading() as session:
        assert list_health(session) == [
            StoredHealth("alert", "alert-0", 99, False, "records wait"),
            StoredHealth("detect", "detect-1", 5, True, "working", {"fps": 3}),
        ]
    with database.session() as session:
        assert forget_health(session, 50) == 1
    with database.reading() as session:
        assert [item.stage for item in list_health(session)] == ["alert"]
