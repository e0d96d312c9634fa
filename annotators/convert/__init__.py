"""Published models turned into files that ONNX Runtime reads, by code that loads nothing but numbers."""
