"""The bus: topic names, record contracts, producer and consumer used by all, and the embedded broker."""
