"""What check_facts.py compares, a subject a file."""
