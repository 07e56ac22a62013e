"""Shows recorded runs: where one is (address), the table (board), the picture, the words."""
