"""The pages of the site, from the documents and the sources."""
