"""Protocol error codes the embedded broker answers with, and the exceptions that carry them."""

from enum import IntEnum


class Code(IntEnum):
    """Error codes of the Kafka protocol (https://kafka.apache.org/protocol#protocol_error_codes) used here."""

    NONE = 0
    OFFSET_OUT_OF_RANGE = 1
    CORRUPT_MESSAGE = 2
    UNKNOWN_TOPIC_OR_PARTITION = 3
    MESSAGE_TOO_LARGE = 10
    COORDINATOR_NOT_AVAILABLE = 15
    INVALID_TOPIC = 17
    ILLEGAL_GENERATION = 22
    INCONSISTENT_GROUP_PROTOCOL = 23
    INVALID_GROUP_ID = 24
    UNKNOWN_MEMBER_ID = 25
    INVALID_SESSION_TIMEOUT = 26
    REBALANCE_IN_PROGRESS = 27
    UNSUPPORTED_VERSION = 35
    TOPIC_ALREADY_EXISTS = 36
    INVALID_PARTITIONS = 37
    INVALID_CONFIG = 40
    INVALID_REQUEST = 42
    OUT_OF_ORDER_SEQUENCE = 45
    INVALID_PRODUCER_EPOCH = 47
    TRANSACTIONAL_ID_AUTHORIZATION_FAILED = 53
    STORAGE_ERROR = 56
    NON_EMPTY_GROUP = 68
    GROUP_ID_NOT_FOUND = 69
    MEMBER_ID_REQUIRED = 79
    GROUP_MAX_SIZE_REACHED = 81
    FENCED_INSTANCE_ID = 82
    INVALID_RECORD = 87


class BrokerError(Exception):
    """A refusal that one request (or one partition of it) gets as `code`; the broker itself goes on.

    Args:
        code: what the client is told.
        reason: one line for logs and, where the protocol has room, for the client.
    """

    def __init__(self, code: Code, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class ProtocolError(Exception):
    """Bytes that are no request of ours: the connection that sent them is closed, nothing else happens.

    Args:
        reason: a short label (`frame_size`, `unknown_api`, `undecodable`, ...) used as the counter's label.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Disconnected(Exception):  # noqa: N818 - not an error: the peer went away while its request waited
    """The client closed the connection while one of its requests was waiting."""
