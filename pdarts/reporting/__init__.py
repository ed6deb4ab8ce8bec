"""What people look at: tables, drawings, curves, pages."""
