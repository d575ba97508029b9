"""Measure and tune: labelled clips and pictures in, figures out."""
