"""The printable targets: drawn, and written as SVG and PDF."""
