"""What disturbs the software: flipped bits, kills, hostile files."""
