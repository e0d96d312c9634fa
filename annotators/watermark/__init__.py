"""Kind ``watermark``: visible watermarks."""
