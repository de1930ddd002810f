"""How run_snippets.py reads the documents and runs what they show, a subject a file."""
