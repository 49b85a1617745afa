"""What can be logged beside numbers and text. Each file is one kind of thing."""
