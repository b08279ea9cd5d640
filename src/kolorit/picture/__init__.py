"""Pictures in and out: the only room that knows Pillow. Import from the modules."""
