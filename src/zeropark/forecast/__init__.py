"""What will come: weather with its errors, loads and arrivals from history, corrected by the last reading."""
