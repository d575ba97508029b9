"""The archive of observations: one Parquet file an hour and partition, written beside the line, read by replays."""
