"""The report of a plan, made from its document alone: HTML, PDF, GeoJSON and tables."""
