"""What people see: the duty desk. It reads the store and writes decisions; it never imports a stage."""
