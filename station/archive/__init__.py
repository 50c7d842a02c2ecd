"""The station's durable memory: scans on disk, and the catalogue which is their index."""
