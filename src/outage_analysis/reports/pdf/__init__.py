"""PDF files, typeset by typst: an executive brief and the full report."""
