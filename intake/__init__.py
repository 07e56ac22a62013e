"""Reading what people bring in files. It knows no business: prices and credits both stand on it."""
