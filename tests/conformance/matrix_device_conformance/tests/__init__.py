"""A test for each row that can be seen from outside."""
