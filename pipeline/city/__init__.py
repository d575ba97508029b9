"""Who watches what: cameras, kelurahan and what each place is prone to."""
