"""Pictures of what people see: comment, job summary and terminal, for the sample reports."""
