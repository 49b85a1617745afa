"""The REST API under `/api/v1`: what is stored, for programs. Each file is one kind of question."""
