"""Spreadsheets: the savings case as a live model (XLSX), and as published tables (ODS)."""
