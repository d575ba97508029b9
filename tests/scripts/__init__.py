"""Tests of the scripts' torch-free parts."""
