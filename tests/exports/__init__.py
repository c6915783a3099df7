"""Tests of exports, of who may read what, and of comparing logs."""
