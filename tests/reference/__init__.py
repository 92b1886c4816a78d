"""A reference of the rules of meaning: an interpreter that evaluates everything every hour, and random lives to compare.

It shares definitions, facts and the tests of single criteria with leadlife, and nothing of its engine.
"""
