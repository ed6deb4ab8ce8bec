"""Makes what people look at: tables, drawings, curves, pages."""
