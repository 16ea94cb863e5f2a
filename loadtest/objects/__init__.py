"""What is sent: synthetic images from templates, one module per kind of image."""
