"""The camera's sensor: darkness, noise, response, shutter, mains, sharpening; pictures in, figures out."""
