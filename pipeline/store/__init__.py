"""What must not be lost: incidents, timeline, deliveries, evidence, people; SQLite or PostgreSQL, folder or S3."""
