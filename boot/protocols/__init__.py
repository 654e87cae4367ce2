"""What a kernel expects at entry: registers, tables, and the information it is handed."""
