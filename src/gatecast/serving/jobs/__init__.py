"""Trainings and readings of tables, in processes of their own."""
