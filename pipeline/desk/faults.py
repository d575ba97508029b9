"""What can go wrong behind the desk, told apart from errors of the desk itself."""

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from pipeline.ops.errors import StoreError

STORE_FAULTS = (StoreError, DBAPIError, PoolTimeoutError)
"""The database or the evidence store does not answer; a later try may succeed."""
