"""Where a card lies in a picture: outline, rectification, print frame, sharpness; arrays only."""
