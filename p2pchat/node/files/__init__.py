"""files/1: chunks of files, served to those who may have them and fetched from those who have them."""
