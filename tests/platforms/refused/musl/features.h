// As musl's: it says nothing of glibc.
