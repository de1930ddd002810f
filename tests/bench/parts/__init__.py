"""The parts of the bench: each measures something of ours beside something bare, in one run."""
