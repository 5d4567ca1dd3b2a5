"""Parts of files that are imported or exported: lines of text, CSV records, cells, reports of refused lines."""
