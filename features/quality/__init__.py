"""How good the tables are: by source, column and cell, with intervals; the gate; the page."""
