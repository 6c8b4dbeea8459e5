"""Tells a believable trial through the services: demo data, training, load tests."""
