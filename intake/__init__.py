"""Reading what people bring. It knows no business: prices and credits both stand on it."""
