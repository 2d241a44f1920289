"""What will come: weather with errors, loads and arrivals from history, mended by readings."""
